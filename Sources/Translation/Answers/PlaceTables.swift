import Machine
import Results

/// Which 2 MiB regions large pages would serve best.
struct RegionTable: AnswerTable {
  let variants: [Variant]
  private let isWidened: Bool

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    let (wide, isWidened) = machine.holdingEverySize
    self.isWidened = isWidened
    variants = [
      Variant("as it is", machine, plan, observer: WalkObserver()),
      Variant(
        "2M",
        wide.with {
          $0.synthesis.firstStagePage = .always(.large2M)
          $0.synthesis.secondStagePage = .always(.large2M)
        }, plan, observer: WalkObserver()),
    ]
  }

  private struct Ranked {
    var region: UInt64
    var counts: WalkObserver.Cost
    var saved: Int

    static func isBefore(_ one: Ranked, _ other: Ranked) -> Bool {
      one.saved != other.saved ? one.saved > other.saved : one.region < other.region
    }
  }

  private static let shown = 20

  var tables: [ResultTable] { [regions, pages].compactMap(\.self) }

  private var pages: ResultTable? {
    guard let all = variants.first?.observer?.pages else { return nil }
    let ranked = all.sorted { one, other in
      one.value.references != other.value.references
        ? one.value.references > other.value.references : one.key < other.key
    }
    let sum = all.reduce(0) { $0 + $1.value.references }
    return ResultTable(
      name: "pages", title: "Pages by cost",
      explanation: "The \(min(Self.shown, ranked.count)) of \(ranked.count) pages of 4 KiB whose "
        + "walks read most table entries; shares are of all \(sum) references.",
      columns: [
        ResultTable.Column("page", "page"), ResultTable.Column("walks", "walks"),
        ResultTable.Column("references", "references"),
        ResultTable.Column("sharePercent", "share, %"),
      ],
      rows: ranked.prefix(Self.shown).map { page, cost in
        [
          .text("0x" + String(page << 12, radix: 16)), .number(cost.walks),
          .number(cost.references), .ratio(cost.references * 100, over: sum),
        ]
      })
  }

  private var regions: ResultTable? {
    guard let now = variants.first?.observer?.regions, let large = variants.last?.observer?.regions
    else { return nil }
    let all = now.reduce(0) { $0 + $1.value.references }
    var ranked: [Ranked] = []
    for (region, counts) in now {
      let then = large[region]?.references ?? 0
      ranked.append(Ranked(region: region, counts: counts, saved: counts.references - then))
    }
    ranked.sort(by: Ranked.isBefore)
    var sum = 0
    var explanation =
      "Walk references of each 2 MiB region, and how many there are when every region is one 2 MiB "
    explanation += "page in both stages. The first \(Self.shown) of \(now.count) regions; "
    explanation += "shares are of all \(all) references."
    if isWidened {
      explanation += " TLBs of this machine hold no 2M pages for some accesses: with large pages "
      explanation += "those with 4K pages hold them."
    }
    let columns = [
      ResultTable.Column("region", "region"), ResultTable.Column("walks", "walks"),
      ResultTable.Column("references", "references"), ResultTable.Column("saved", "saved"),
      ResultTable.Column("savedPercent", "saved, % of all"),
      ResultTable.Column("togetherPercent", "together, %"),
    ]
    let rows = ranked.prefix(Self.shown).map { row -> [ResultTable.Cell] in
      sum += row.saved
      let name = "0x" + String(row.region << 21, radix: 16)
      let share = ResultTable.Cell.ratio(max(row.saved, 0) * 100, over: all)
      let together = ResultTable.Cell.ratio(max(sum, 0) * 100, over: all)
      return [
        .text(name), .number(row.counts.walks), .number(row.counts.references),
        .number(row.saved), share, together,
      ]
    }
    return ResultTable(
      name: "regions", title: "Regions by what a large page would save",
      explanation: explanation, columns: columns, rows: rows)
  }
}

/// Which TLBs lose pages to their own sets, and which sets.
struct ConflictTable: AnswerTable {
  let variants: [Variant]

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    let largest = machine.tlbs.max { $0.sets * $0.ways < $1.sets * $1.ways }
    variants = [
      Variant(
        "as it is", machine, plan, observer: WalkObserver(sets: largest?.sets ?? 1)),
      Variant(
        "fully associative",
        machine.with { machine in
          for index in machine.tlbs.indices {
            machine.tlbs[index].ways *= machine.tlbs[index].sets
            machine.tlbs[index].sets = 1
            machine.tlbs[index].replacement = .lru
          }
        }, plan),
      Variant(
        "hashed",
        machine.with { machine in
          for index in machine.tlbs.indices { machine.tlbs[index].index = .xor }
        }, plan),
    ]
  }

  private static let shown = 10

  var tables: [ResultTable] { [tlbs, sets].compactMap(\.self) }

  private var tlbs: ResultTable? {
    guard variants.count == 3 else { return nil }
    let columns = [
      ResultTable.Column("tlb", "TLB"), ResultTable.Column("misses", "misses"),
      ResultTable.Column("fullyAssociative", "fully associative"),
      ResultTable.Column("conflict", "lost to sets"), ResultTable.Column("hashed", "hashed"),
    ]
    let rows = variants[0].machine.tlbs.map { tlb -> [ResultTable.Cell] in
      let misses = variants.map { $0["tlb.\(tlb.name).misses"] }
      let lost = misses[0] - misses[1]
      return [
        .text(tlb.name), .number(misses[0]), .number(misses[1]), .number(lost), .number(misses[2]),
      ]
    }
    return ResultTable(
      name: "conflicts", title: "Set conflicts",
      explanation:
        "Misses of each TLB as it is, as one fully associative set with LRU, and with its set found "
        + "by a hash of the whole page number. What full associativity saves is lost to sets.",
      columns: columns, rows: rows)
  }

  private var sets: ResultTable? {
    guard let observer = variants.first?.observer, observer.sets.count > 1 else { return nil }
    let count = observer.sets.count
    let walks = observer.sets.reduce(0) { $0 + $1.walks }
    let used = observer.sets.enumerated().filter { $0.element.walks > 0 }
    let ranked = used.sorted { one, other in
      one.element.walks != other.element.walks
        ? one.element.walks > other.element.walks : one.offset < other.offset
    }
    let columns = [
      ResultTable.Column("set", "set"), ResultTable.Column("walks", "walks"),
      ResultTable.Column("timesEven", "times an even share"),
      ResultTable.Column("firstPage", "first page"), ResultTable.Column("stride", "stride"),
    ]
    let rows = ranked.prefix(Self.shown).map { number, set -> [ResultTable.Cell] in
      let times = ResultTable.Cell.ratio(set.walks * count, over: walks)
      let page = "0x" + String(set.firstPage << 12, radix: 16)
      // Pages of one set are always as far apart as there are sets: that says nothing.
      let tells = set.stride > UInt64(count)
      let stride = tells ? "0x" + String(set.stride << 12, radix: 16) : ""
      return [.text(String(number)), .number(set.walks), times, .text(page), .text(stride)]
    }
    return ResultTable(
      name: "busiestSets", title: "Busiest sets of the largest TLB",
      explanation:
        "Walks by the set of their page. Were pages spread evenly, each of \(count) sets would have "
        + "\(walks / count). The stride is the largest that all pages of the set keep from the first, "
        + "where it is more than the number of sets.",
      columns: columns, rows: rows)
  }
}
