import Machine
import TraceFile

/// A second machine, written from the semantics alone.
///
/// Dictionaries for tables, lists for caches, one record at a time: it shares no code with the
/// product but the descriptions and the records. It knows 4 KiB, 2 MiB and 1 GiB pages of fixed policies and sequential frames.
struct NaiveMachine {
  private struct TLB {
    var description: TLBDescription
    var entries: NaiveLRU
    var hits = 0
    var misses = 0
    var evictions = 0
  }

  private struct Cache {
    var entries: NaiveLRU
    var lookups = 0
    var hits = 0
  }

  private let machine: MachineDescription
  private let firstLevels: Int
  private let secondLevels: Int
  private let firstLeaf: Int
  private let secondLeaf: Int
  private var tlbs: [TLB]
  private var caches: [String: Cache] = [:]
  /// Guest-physical frame of the first-stage table at (level, prefix), or of the page at its leaf.
  private var guestTables: [[UInt64]: UInt64] = [:]
  private var backed: Set<[UInt64]> = []
  private var nextFrame: UInt64 = 1
  private var nextLarge: UInt64 = 1 << 33
  private var nextHuge: UInt64 = 1 << 34
  private var accessedEntries: Set<[UInt64]> = []
  private var dirtyPages: Set<UInt64> = []
  private var accessedNested: Set<[UInt64]> = []
  private var dirtyNested: Set<[UInt64]> = []
  private(set) var counters: [String: Int] = [:]
  private(set) var referencesPerWalk: [Int: Int] = [:]
  private var references = 0

  init(_ machine: MachineDescription) {
    self.machine = machine
    firstLevels = machine.firstStage.levels
    secondLevels = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
    firstLeaf = Self.leaf(machine.synthesis.firstStagePage)
    secondLeaf = Self.leaf(machine.synthesis.secondStagePage)
    tlbs = machine.tlbs.map {
      TLB(description: $0, entries: NaiveLRU(sets: $0.sets, ways: $0.ways))
    }
    for one in machine.walkCaches {
      let name: String
      switch one.kind {
      case .firstStage(let level): name = "firstStage.L\(level)"
      case .secondStage(let level): name = "secondStage.L\(level)"
      case .nested: name = "nested"
      }
      if name.hasPrefix("first") || secondLevels > 0 {
        caches[name] = Cache(entries: NaiveLRU(sets: one.sets, ways: one.ways))
      }
    }
    guestTables[[UInt64(firstLevels), 0]] = takeFrame(0)
  }

  private static func leaf(_ policy: PagePolicy) -> Int {
    switch policy {
    case .always(.base4K): 0
    case .always(.large2M): 1
    case .always(.huge1G): 2
    case .transparentHuge: fatalError("the oracle has no THP")
    }
  }

  private mutating func takeFrame(_ level: Int) -> UInt64 {
    switch level {
    case 0:
      nextFrame += 1
      return nextFrame - 1
    case 1:
      nextLarge += 512
      return nextLarge - 512
    default:
      nextHuge += 262_144
      return nextHuge - 262_144
    }
  }

  private mutating func count(_ name: String, _ more: Int = 1) {
    counters[name, default: 0] += more
  }

  mutating func replay(_ record: TraceRecord) {
    let first = record.address
    let last = first &+ UInt64(max(record.size, 1) - 1)
    touch(first, record.kind)
    if last >> 12 != first >> 12 { touch(last, record.kind) }
    count("cpu.accesses")
    count("cpu.instructions", Int(record.instructions))
  }

  private mutating func touch(_ address: UInt64, _ kind: AccessKind) {
    count("cpu.touches")
    let access: AccessClass = kind == .fetch ? .fetch : kind == .load ? .load : .store
    let isWrite = access == .store
    let isCanonical = isCanonical(address)
    if isCanonical { populate(address) }
    let reach = secondLevels > 0 ? min(firstLeaf, secondLeaf) : firstLeaf
    let size: PageSizeName = reach == 0 ? .base4K : reach == 1 ? .large2M : .huge1G
    let page = address >> UInt64(12 + 9 * reach)
    let chain = tlbs.indices.filter {
      tlbs[$0].description.serves.contains(access) && tlbs[$0].description.pageSizes.contains(size)
    }
    defer { if isWrite && isCanonical { markDirty(address) } }
    for (depth, index) in chain.enumerated() {
      if tlbs[index].entries.find(page) != nil {
        tlbs[index].hits += 1
        for before in chain[..<depth].reversed() { fill(before, page) }
        return
      }
      tlbs[index].misses += 1
    }
    references = 0
    count("walk.count")
    let works = walk(address, isWrite: isWrite)
    referencesPerWalk[references, default: 0] += 1
    if works {
      for index in chain.reversed() { fill(index, page) }
      if reach < firstLeaf { count("walk.splintered") }
    } else {
      count("fault.generalProtection")
    }
  }

  private mutating func fill(_ index: Int, _ page: UInt64) {
    if tlbs[index].entries.insert(page) { tlbs[index].evictions += 1 }
  }

  private mutating func markDirty(_ address: UInt64) {
    let page = address >> UInt64(12 + 9 * firstLeaf)
    if dirtyPages.insert(page).inserted { count("walk.updates") }
    guard secondLevels > 0, machine.secondStage?.format == .npt else { return }
    let offset = address % (1 << UInt64(12 + 9 * firstLeaf))
    let backed = frame([UInt64(firstLeaf), page]) << 12 + offset
    let key = [UInt64(secondLeaf), backed >> UInt64(12 + 9 * secondLeaf)]
    if dirtyNested.insert(key).inserted { count("walk.updates") }
  }

  private mutating func populate(_ address: UInt64) {
    for level in stride(from: firstLevels - 1, through: firstLeaf, by: -1) {
      let key = [UInt64(level), address >> UInt64(12 + 9 * level)]
      guard guestTables[key] == nil else { continue }
      guestTables[key] = takeFrame(level == firstLeaf ? firstLeaf : 0)
    }
  }

  private mutating func probe(_ name: String, _ tag: UInt64) -> UInt64? {
    guard caches[name] != nil else { return nil }
    caches[name]?.lookups += 1
    let found = caches[name]?.entries.find(tag)
    if found != nil { caches[name]?.hits += 1 }
    return found
  }

  private mutating func keep(_ name: String, _ tag: UInt64) {
    _ = caches[name]?.entries.insert(tag)
  }

  /// The highest translated bit is 11 + 9n for n levels, and all above are its copies.
  private func isCanonical(_ address: UInt64) -> Bool {
    let half: UInt64 = 1 << UInt64(11 + 9 * firstLevels)
    return address < half || address >= 0 &- half
  }

  /// Steps 1 to 3 of the walk's definition.
  private mutating func walk(_ address: UInt64, isWrite: Bool) -> Bool {
    guard isCanonical(address) else { return false }
    var level = firstLevels - 1
    var started = false
    for depth in 1..<firstLevels
    where probe("firstStage.L\(depth)", address >> UInt64(12 + 9 * depth)) != nil {
      level = depth - 1
      started = true
      break
    }
    if !started { second(frame([UInt64(firstLevels), 0]) << 12, isWrite: true) }
    while true {
      references += 1
      count("walk.references.firstStage")
      let key = [UInt64(level), address >> UInt64(12 + 9 * level)]
      if accessedEntries.insert(key).inserted { count("walk.updates") }
      let frame = frame(key)
      if level == firstLeaf {
        second(frame << 12 + address % (1 << UInt64(12 + 9 * level)), isWrite: isWrite)
        return true
      }
      second(frame << 12, isWrite: true)
      keep("firstStage.L\(level)", address >> UInt64(12 + 9 * level))
      level -= 1
    }
  }

  private func frame(_ key: [UInt64]) -> UInt64 {
    guard let frame = guestTables[key] else { fatalError("walked before it was populated") }
    return frame
  }

  /// AMD's nested entries have accessed and dirty bits; a guest's table is always written.
  private mutating func second(_ address: UInt64, isWrite: Bool) {
    guard secondLevels > 0 else { return }
    if probe("nested", address >> 12) != nil { return }
    var level = secondLevels - 1
    for depth in 1..<secondLevels
    where probe("secondStage.L\(depth)", address >> UInt64(12 + 9 * depth)) != nil {
      level = depth - 1
      break
    }
    while level >= secondLeaf {
      references += 1
      count("walk.references.secondStage")
      if machine.secondStage?.format == .npt {
        let key = [UInt64(level), address >> UInt64(12 + 9 * level)]
        if accessedNested.insert(key).inserted { count("walk.updates") }
        if level == secondLeaf, isWrite, dirtyNested.insert(key).inserted { count("walk.updates") }
      }
      if level > secondLeaf { keep("secondStage.L\(level)", address >> UInt64(12 + 9 * level)) }
      level -= 1
    }
    keep("nested", address >> 12)
  }

  /// All counters under the names of results.
  var results: [String: Int] {
    var all = counters
    for tlb in tlbs {
      let name = "tlb.\(tlb.description.name)"
      all["\(name).hits"] = tlb.hits
      all["\(name).misses"] = tlb.misses
      all["\(name).evictions"] = tlb.evictions
    }
    for (name, cache) in caches {
      all["walkCache.\(name).lookups"] = cache.lookups
      all["walkCache.\(name).hits"] = cache.hits
    }
    all["walk.references"] = referencesPerWalk.reduce(0) { $0 + $1.key * $1.value }
    return all
  }
}
