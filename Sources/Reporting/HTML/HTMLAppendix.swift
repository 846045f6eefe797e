import Results

/// Every counter of every result under its definition, one column a result.
func counterSection(_ results: [RunResult]) -> Markup {
  let names = Set(results.flatMap(\.counters.keys)).sorted {
    let places = (Metric.order(of: $0), Metric.order(of: $1))
    return places.0 == places.1 ? $0 < $1 : places.0 < places.1
  }
  guard !names.isEmpty else { return "" }
  var groups: [(metric: Metric?, names: [String])] = []
  for name in names {
    let metric = Metric.definition(of: name)
    if let last = groups.last, last.metric == metric {
      groups[groups.count - 1].names.append(name)
    } else {
      groups.append((metric, [name]))
    }
  }
  let head = results.indices.map { place -> Markup in
    results.count == 1
      ? "<th scope=\"col\" class=\"n\">value</th>"
      : "<th scope=\"col\" class=\"n\"><a href=\"#r\(place + 1)\">\(place + 1)</a></th>"
  }
  let bodies = groups.map { group -> Markup in
    let rows = group.names.map { name -> Markup in
      let cells = results.map { result -> Markup in
        "<td class=\"n\">\(result.counters[name].map(grouped) ?? "")</td>"
      }
      return "<tr><th scope=\"row\"><code>\(name)</code></th>\(cells)</tr>\n"
    }
    let title: Markup =
      group.metric.map { "\($0.definition) <span>(\($0.unit))</span>" }
      ?? "Not defined in this version."
    return """
      <tbody>
      <tr><th class="group" scope="rowgroup" colspan="\(results.count + 1)">\(title)</th></tr>
      \(rows)</tbody>

      """
  }
  let table: Markup = """
    <table>
    <thead><tr><th scope="col">counter</th>\(head)</tr></thead>
    \(bodies)</table>
    """
  return """
    <details class="part counters" id="counters"><summary>Every counter with its definition</summary>
    \(scrolling(table, label: "Every counter"))</details>

    """
}

/// Each modelling decision once, with the results that it holds for where not all share it.
func modelSection(_ views: [ResultView]) -> Markup {
  var sentences: [String] = []
  var holders: [String: [Int]] = [:]
  for (place, view) in views.enumerated() {
    for sentence in view.modelSentences where holders[sentence]?.last != place + 1 {
      if holders[sentence] == nil { sentences.append(sentence) }
      holders[sentence, default: []].append(place + 1)
    }
  }
  guard !sentences.isEmpty else { return "" }
  let lines = sentences.map { sentence -> String in
    let places = holders[sentence] ?? []
    guard places.count < views.count else { return sentence }
    return sentence + " (" + places.map(String.init).joined(separator: ", ") + ")"
  }
  return """
    <section id="model">
    <h2>What is modelled</h2>
    \(bullets(lines))</section>

    """
}

/// Each machine once, as it was resolved.
func machineSection(_ results: [RunResult]) -> Markup {
  var seen: Set<String> = []
  let machines = results.map(\.machine).filter {
    $0.resolvedJSON != "" && seen.insert($0.name + "\n" + $0.resolvedJSON).inserted
  }
  let parts = machines.map { machine -> Markup in
    """
    <details class="part"><summary>Resolved machine: \(machine.name)</summary>
    <p class="muted">SHA-256 <code>\(machine.sha256)</code></p>
    <pre tabindex="0">\(machine.resolvedJSON)</pre>
    </details>

    """
  }
  return "\(parts)"
}
