/// Lists every page that tables map, in order of address.
struct LeafEnumeration<First: PageTableFormat, Second: PageTableFormat> {
  private let image: ImageMemory
  private let context: WalkContext
  private let body: (LeafReport) -> Void
  private var summary = LeafSummary()
  private var steps = 0

  /// Tables read and pages given, at most; 2^27 pages of 4 KiB are 512 GiB.
  private static var maximumSteps: Int { 1 << 27 }

  private init(_ image: ImageMemory, _ context: WalkContext, _ body: @escaping (LeafReport) -> Void)
  {
    self.image = image
    self.context = context
    self.body = body
  }

  /// Gives every page.
  ///
  /// - Throws: an error where the tables lead to more than a computer has time for.
  static func run(
    _ image: ImageMemory, _ context: WalkContext, _ body: (LeafReport) -> Void
  ) throws(TableError) -> LeafSummary {
    // The closure is not kept: the enumeration ends here.
    let result = withoutActuallyEscaping(body) { body -> Result<LeafSummary, TableError> in
      var state = LeafEnumeration(image, context, body)
      do throws(TableError) {
        try state.start()
        return .success(state.summary)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private mutating func start() throws(TableError) {
    guard case .page(let root, _, _) = backing(of: context.first) else {
      summary.absentTables = 1
      return
    }
    try visit(root, context.firstLevels - 1, 0, .all)
  }

  /// Visits a first-stage table and what is below it; as deep as there are levels.
  private mutating func visit(
    _ table: HPA, _ level: Int, _ base: UInt64, _ rights: Rights
  ) throws(TableError) {
    try step()
    guard let words = image.words(in: table.frame) else {
      summary.absentTables += 1
      return
    }
    for index in 0..<512 {
      let entry = words[index]
      guard First.isPresent(entry, context.firstControls) else { continue }
      guard !First.isMalformed(entry, level: level, context.firstControls) else {
        summary.malformed += 1
        continue
      }
      let below = rights.intersection(First.rights(entry, context.firstControls))
      let address = signExtended(base | UInt64(index) << TableLevel.shift(level))
      guard First.isLeaf(entry, level: level) else {
        let next = GPA(First.address(in: entry, leafLevel: 0))
        guard case .page(let host, _, _) = backing(of: next) else {
          summary.unbacked += 1
          continue
        }
        try visit(host, level - 1, address, below)
        continue
      }
      try give(entry, level, address, below)
    }
  }

  /// Gives a first-stage page, in as many pieces as the second stage maps it by.
  private mutating func give(
    _ entry: UInt64, _ level: Int, _ address: UInt64, _ rights: Rights
  ) throws(TableError) {
    let page = First.address(in: entry, leafLevel: level)
    let size: UInt64 = 1 << TableLevel.shift(level)
    var offset: UInt64 = 0
    while offset < size {
      try step()
      switch backing(of: GPA(page | offset)) {
      case .page(let host, let backing, let allowed):
        let bytes = min(size, context.secondLevels > 0 ? 1 << backing.shift : size)
        summary.leaves += 1
        let found = Translated(
          address: host, first: .base4K, second: backing, firstRights: rights,
          secondRights: allowed, isGlobal: false, isFirstDirty: false, isSecondDirty: false, key: 0,
          type: MemoryType(patIndex: 0, second: 0))
        body(
          LeafReport(
            address: address | offset, output: host.rawValue, bytes: bytes, entry: entry,
            effective: found.rights.text))
        offset += bytes
      case .none(let level):
        summary.unbacked += 1
        // No page of what the missing entry would cover is there.
        offset = (offset | TableLevel.offsets(level)) + 1
      }
    }
  }

  private mutating func step() throws(TableError) {
    steps += 1
    guard steps <= Self.maximumSteps else {
      throw TableError(
        problem: "the tables lead to more than \(Self.maximumSteps) tables and pages",
        cure: "look at single addresses: tables that contain themselves have no end")
    }
  }

  private func signExtended(_ address: UInt64) -> UInt64 {
    guard !First.accepts(address, levels: context.firstLevels) else { return address }
    return address | ~0 << TableLevel.shift(context.firstLevels)
  }

  private enum Backing {
    case page(HPA, PageSize, Rights)
    /// The level of the entry that is missing, malformed or in no table of the image.
    case none(level: Int)
  }

  /// The second stage without a path: where an address lies, in a page of what size.
  private func backing(of address: GPA) -> Backing {
    guard context.secondLevels > 0 else { return .page(HPA(address.rawValue), .huge1G, .all) }
    guard Second.accepts(address.rawValue, levels: context.secondLevels) else {
      return .none(level: 2)
    }
    var table = context.second
    var rights = Rights.all
    for level in stride(from: context.secondLevels - 1, through: 0, by: -1) {
      guard let words = image.words(in: table.frame) else {
        return .none(level: min(level + 1, 2))
      }
      let entry = words[Int(address.index(at: level))]
      guard Second.isPresent(entry, context.secondControls),
        !Second.isMalformed(entry, level: level, context.secondControls)
      else { return .none(level: min(level, 2)) }
      rights.formIntersection(Second.rights(entry, context.secondControls))
      if Second.isLeaf(entry, level: level) {
        let page = Second.address(in: entry, leafLevel: level)
        return .page(
          HPA(page | address.offset(at: level)),
          PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G, rights)
      }
      table = HPA(Second.address(in: entry, leafLevel: 0))
    }
    return .none(level: 0)
  }
}
