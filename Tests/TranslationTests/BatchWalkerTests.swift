import Machine
import Testing

@testable import Translation

/// The batch walker against the reference walker, which reads every entry, on tables that are written
/// between batches.
@Suite("A batch of walks is the reference walks one by one")
struct BatchWalkerTests {
  static let machines: [[String]] = [
    ["virtualization.mode=native"],
    [],
    ["secondStage.format=npt:4"],
    ["firstStage.format=x86-64:5", "secondStage.format=npt:5"],
    ["synthesis.firstStagePage=THP:50%", "synthesis.secondStagePage=THP:50%"],
    ["synthesis.firstStagePage=2M", "secondStage.format=npt:4"],
    [
      "synthesis.firstStagePage=1G", "synthesis.secondStagePage=2M",
      "tlbs=[{name: 'T', serves: ['fetch', 'load', 'store'], pageSizes: ['2M'], sets: 1, ways: 4, "
        + "replacement: 'lru', latencyCycles: 1}]",
    ],
    ["synthesis.frames=random"],
  ]

  static let accesses: [Rights] = [
    .read, .write, .execute, [.read, .user], [.write, .user], [.execute, .user],
  ]

  /// Two spaces made alike: one is walked by the batch, one by the reference.
  struct Pair<Second: PageTableFormat>: ~Copyable {
    var batched: AddressSpace<X86PageTable, Second>
    var walked: AddressSpace<X86PageTable, Second>
    var batch = BatchWalker<X86PageTable, Second>(logMemo: 4)
    var reference = Walker<X86PageTable, Second>(
      caches: WalkCacheSet([], hasSecondStage: false))
    var path = WalkPath()
    var random: SeededGenerator
    var known: [UInt64] = []
    var faults = 0
    var writes = 0

    init(_ machine: MachineDescription, seed: UInt64) {
      let second = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
      batched = AddressSpace(
        firstLevels: machine.firstStage.levels, secondLevels: second, policy: machine.synthesis)
      walked = AddressSpace(
        firstLevels: machine.firstStage.levels, secondLevels: second, policy: machine.synthesis)
      random = SeededGenerator(state: seed)
    }

    mutating func populate() {
      let region = UInt64.random(in: 0..<64, using: &random) << 30
      for _ in 0..<20 {
        let address = region + UInt64.random(in: 0..<1 << 23, using: &random)
        _ = batched.populate(GVA(address))
        _ = walked.populate(GVA(address))
        known.append(address)
      }
    }

    /// Changes one bit of an entry on some page's way in both memories.
    mutating func write() {
      guard let address = known.randomElement(using: &random) else { return }
      _ = reference.walk(
        GVA(address), .read, in: walked.roots, walked.memory, path: &path)
      // Both memories get the flags of this walk, and both before the bit changes.
      _ = batchWalk([address], .read)
      guard path.count > 0 else { return }
      let place = path[Int.random(in: 0..<path.count, using: &random)].address
      let bit: UInt64 = 1 << UInt64([0, 1, 2, 5, 6, 7, 14, 63].randomElement(using: &random) ?? 0)
      for words in [batched.memory.words(in: place.frame), walked.memory.words(in: place.frame)] {
        words.map { $0[Int(place.rawValue >> 3 & 511)] ^= bit }
      }
      batch.invalidate()
      writes += 1
    }

    mutating func batchWalk(_ addresses: [UInt64], _ access: Rights) -> [BatchWalk] {
      var results = Array(repeating: BatchWalk(), count: addresses.count)
      addresses.withUnsafeBufferPointer { addresses in
        results.withUnsafeMutableBufferPointer { results in
          guard let base = results.baseAddress else { return }
          batch.walk(addresses, access, in: batched.roots, batched.memory, into: base)
        }
      }
      return results
    }

    /// Walks a batch both ways.
    ///
    /// - Returns: how many outcomes differ.
    mutating func compare(_ count: Int) -> Int {
      let addresses = (0..<count).map { _ in
        let draw = Int.random(in: 0..<100, using: &random)
        if draw < 3 { return UInt64.random(in: 0...(.max), using: &random) }
        let near = known.randomElement(using: &random) ?? 0
        return draw < 10 ? near &+ UInt64.random(in: 0..<1 << 22, using: &random) : near
      }
      let access = BatchWalkerTests.accesses.randomElement(using: &random) ?? .read
      let results = batchWalk(addresses, access)
      var differing = 0
      var fault = 0
      for (lane, address) in addresses.enumerated() {
        let outcome = reference.walk(
          GVA(address), access, in: walked.roots, walked.memory, path: &path)
        switch outcome {
        case .translated(let found):
          let same =
            !results[lane].faults && results[lane].host == found.address.rawValue
            && results[lane].first == found.first && results[lane].second == found.second
          differing += same ? 0 : 1
        case .fault(let expected):
          faults += 1
          guard results[lane].faults, fault < batch.faults.count else {
            differing += 1
            continue
          }
          differing += batch.faults[fault] == (lane, expected) ? 0 : 1
          fault += 1
        }
      }
      return differing
    }
  }

  @Test("whatever the size of a batch", arguments: machines.indices, [1, 7, 64, 300])
  func equal(index: Int, size: Int) throws {
    let machine = try Self.machine(index)
    switch machine.secondStage?.format {
    case .npt: run(Pair<NestedPageTable>(machine, seed: UInt64(size)), size)
    default: run(Pair<ExtendedPageTable>(machine, seed: UInt64(size)), size)
    }
  }

  static func machine(_ index: Int) throws -> MachineDescription {
    let preset = try #require(Preset.named("zen5"))
    let base = machines[index].contains { $0.contains("npt") } ? [] : ["secondStage.format=ept:4"]
    return try MachineDescription.load(
      json: preset.json, file: "zen5", settings: base + machines[index]
    ).description
  }

  func run<Second: PageTableFormat>(_ pair: consuming Pair<Second>, _ size: Int) {
    var pair = pair
    var differing = 0
    for round in 0..<(size == 1 ? 800 : 120) {
      if round % 10 == 0 { pair.populate() }
      differing += pair.compare(size)
      if round % 3 == 2 { pair.write() }
    }
    let (faults, writes) = (pair.faults, pair.writes)
    #expect(differing == 0)
    // Flags were set on the same entries, and the records of neither are empty.
    let (batched, walked) = (pair.batch.updates, pair.reference.updates)
    #expect(batched == walked)
    #expect(batched > 0 && faults > 0 && writes > 20)
  }

  @Test("what the memos knew before a write is void after it")
  func invalidation() throws {
    var pair = Pair<ExtendedPageTable>(try Self.machine(1), seed: 5)
    pair.populate()
    let address = try #require(pair.known.first)
    let before = pair.batchWalk([address], .read)
    #expect(before.map(\.faults) == [false])
    // The leaf of the second stage goes.
    _ = pair.reference.walk(
      GVA(address), .read, in: pair.walked.roots, pair.walked.memory, path: &pair.path)
    let leaf = pair.path[pair.path.count - 1].address
    let found = pair.batched.memory.words(in: leaf.frame)
    let words = try #require(found)
    words[Int(leaf.rawValue >> 3 & 511)] = 0
    pair.batch.invalidate()
    #expect(pair.batchWalk([address], .read).map(\.faults) == [true])
  }
}
