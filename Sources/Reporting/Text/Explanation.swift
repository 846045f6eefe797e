import Results

/// What a counter, histogram or isolation rule means, as one paragraph or a few.
///
/// - Parameter counter: a full name such as `tlb.L2.misses`, its pattern `tlb.NAME.misses`, or a
///   rule such as `V6`.
/// - Returns: nothing where this version has no such metric; `nearNames(_:)` then helps.
public func explain(_ counter: String) -> String? {
  if let rule = IsolationRule.named(counter) { return ruleText(rule, width: 100) }
  guard let metric = Metric.definition(of: counter) else { return nil }
  let family = metric.pattern == counter ? "" : " (one of \(metric.pattern))"
  return "\(printable(counter))\(family), in \(metric.unit): \(metric.definition)"
}

/// The metrics whose names are nearest to a name that is not known, nearest first.
///
/// - Parameter counter: as the user wrote it.
/// - Returns: at most three patterns, none where nothing is near.
public func nearNames(_ counter: String) -> [String] {
  // A name of any length comes from the command line; no metric's is longer than this.
  guard counter.utf8.count <= 100 else { return [] }
  let wanted = parts(counter)
  let scored = Metric.all.compactMap { metric -> (pattern: String, distance: Int)? in
    let given = parts(metric.pattern)
    var distance = 0
    for place in 0..<max(wanted.count, given.count) {
      let one = place < wanted.count ? wanted[place] : ""
      let other = place < given.count ? given[place] : ""
      if other == other.uppercased() && !one.isEmpty && other.count > 2 { continue }
      let (small, large) = (one.lowercased(), other.lowercased())
      let between = editDistance(Array(small.utf8), Array(large.utf8))
      // A word that begins like the right one is nearer than another word of its length.
      distance += small.count > 2 && small.prefix(3) == large.prefix(3) ? min(between, 1) : between
      // Metrics of another family are far, however their other words fit.
      if place == 0, between > 2 { return nil }
    }
    return distance <= max(2, counter.utf8.count / 3) ? (metric.pattern, distance) : nil
  }
  // The place in `Metric.all` decides between equals: `sorted` keeps their order.
  return scored.sorted { $0.distance < $1.distance }.prefix(3).map(\.pattern)
}

private func parts(_ name: String) -> [String] {
  name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
}

/// Insertions, deletions and replacements that turn one text into the other.
private func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
  var row = Array(0...other.count)
  for (line, byte) in one.enumerated() {
    var diagonal = row[0]
    row[0] = line + 1
    for (place, candidate) in other.enumerated() {
      let replaced = diagonal + (byte == candidate ? 0 : 1)
      diagonal = row[place + 1]
      row[place + 1] = min(replaced, row[place] + 1, row[place + 1] + 1)
    }
  }
  return row[other.count]
}

/// Every isolation rule in a line.
///
/// - Parameter width: columns to fill; 40 where it is less.
/// - Returns: lines that end in a newline.
public func ruleListing(width: Int) -> String {
  let table = Table(
    "Isolation rules", [.text("rule"), .text("severity"), .text("in"), .text("title")],
    IsolationRule.all.map { rule in
      let scope =
        switch rule.scope {
        case .replay: "run"
        case .tables: "audit"
        case .both: "run, audit"
        }
      return [rule.id, rule.severity.rawValue, scope, rule.title]
    })
  return table.lines(width: max(width, 40)).map { $0 + "\n" }.joined()
}

/// A rule with all that its row says.
private func ruleText(_ rule: IsolationRule, width: Int) -> String {
  let parts = [
    ("Meaning", rule.meaning), ("What to do", rule.remedy), ("Reference", rule.reference),
  ]
  let head =
    "\(rule.id) \(rule.title) (\(rule.severity.rawValue) unless a finding says otherwise)\n"
  return head
    + parts.map { name, text in
      wrapped("\(name): \(text)", width: width, indent: "  ", hanging: "  ")
        .map { $0 + "\n" }.joined()
    }.joined()
}
