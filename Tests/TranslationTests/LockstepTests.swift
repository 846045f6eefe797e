import Machine
import Testing

@testable import Translation

/// The walker that reads every entry in lock step, by both kernels, against the reference walker.
@Suite("Walks in lock step read what the reference walks read")
struct LockstepTests {
  /// Tables, the addresses that were populated, and both ways to walk.
  struct Bench<Second: PageTableFormat>: ~Copyable {
    var space: AddressSpace<X86PageTable, Second>
    var reference = Walker<X86PageTable, Second>(
      caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
    var path = WalkPath()
    var random = SeededGenerator(state: 77)
    var known: [UInt64] = []
    var changes: [(entry: UnsafeMutablePointer<UInt64>, bit: UInt64)] = []

    init(_ machine: MachineDescription) {
      space = AddressSpace(
        firstLevels: machine.firstStage.levels,
        secondLevels: machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0,
        policy: machine.synthesis)
      for _ in 0..<40 {
        let region = UInt64.random(in: 0..<1 << 17, using: &random) << 30
        for _ in 0..<20 {
          let address = region + UInt64.random(in: 0..<1 << 23, using: &random)
          if space.populate(GVA(address)) != nil { known.append(address) }
        }
      }
    }

    func walk(
      _ addresses: [UInt64], _ kernel: LockstepWalker<X86PageTable, Second>.Kernel
    ) -> (hosts: [UInt64], references: [UInt8]) {
      var walker = LockstepWalker<X86PageTable, Second>(space.roots)
      var hosts = Array(repeating: UInt64(0), count: addresses.count)
      var references = Array(repeating: UInt8(0), count: addresses.count)
      addresses.withUnsafeBufferPointer { addresses in
        hosts.withUnsafeMutableBufferPointer { hosts in
          references.withUnsafeMutableBufferPointer { references in
            guard let ends = hosts.baseAddress, let read = references.baseAddress else { return }
            walker.walk(addresses, space.memory, kernel, hosts: ends, references: read)
          }
        }
      }
      return (hosts, references)
    }

    /// Walks known addresses and others.
    ///
    /// - Returns: lanes that differ, lanes that are plain, and lanes that fault.
    mutating func compare(
      _ count: Int, _ kernel: LockstepWalker<X86PageTable, Second>.Kernel, known share: Int
    ) -> (differing: Int, plain: Int, faults: Int) {
      let addresses = (0..<count).map { _ in
        Int.random(in: 0..<100, using: &random) < share
          ? known.randomElement(using: &random) ?? 0 : UInt64.random(in: 0...(.max), using: &random)
      }
      let found = walk(addresses, kernel)
      var outcome = (differing: 0, plain: 0, faults: 0)
      for (lane, address) in addresses.enumerated() {
        let isPlain = found.hosts[lane] != LockstepWalker<X86PageTable, Second>.notPlain
        outcome.plain += isPlain ? 1 : 0
        switch reference.walk(
          GVA(address), .read, in: space.roots, space.memory, path: &path)
        {
        case .translated(let expected):
          let same =
            !isPlain
            || found.hosts[lane] == expected.address.rawValue
              && Int(found.references[lane]) == path.count
          outcome.differing += same ? 0 : 1
        case .fault:
          outcome.faults += 1
          outcome.differing += isPlain ? 1 : 0
        }
      }
      return outcome
    }

    /// Changes one bit of an entry on some page's way, once the last three changes are undone.
    mutating func write() {
      if changes.count == 3 {
        for change in changes.reversed() { change.entry.pointee ^= change.bit }
        changes = []
      }
      guard let address = known.randomElement(using: &random) else { return }
      _ = reference.walk(GVA(address), .read, in: space.roots, space.memory, path: &path)
      guard path.count > 0 else { return }
      let place = path[Int.random(in: 0..<path.count, using: &random)].address
      let bit: UInt64 = 1 << UInt64.random(in: 0..<64, using: &random)
      guard let words = space.memory.words(in: place.frame) else { return }
      let entry = words + Int(place.rawValue >> 3 & 511)
      entry.pointee ^= bit
      changes.append((entry, bit))
    }
  }

  func run<Second: PageTableFormat>(
    _ bench: consuming Bench<Second>, _ kernel: LockstepWalker<X86PageTable, Second>.Kernel
  ) {
    var bench = bench
    // Whole chunks and rests of every kind.
    for count in [1, 2, 63, 64, 65, 300] {
      let fresh = bench.compare(count, kernel, known: 100)
      #expect(fresh == (0, count, 0), "synthesised entries are all plain")
    }
    var total = (plain: 0, faults: 0)
    for _ in 0..<150 {
      bench.write()
      let outcome = bench.compare(70, kernel, known: 90)
      #expect(outcome.differing == 0)
      total = (total.plain + outcome.plain, total.faults + outcome.faults)
    }
    #expect(total.plain > 150 && total.faults > 150)
  }

  @Test(
    "on tables of every shape, before and after bits of them change",
    arguments: BatchWalkerTests.machines.indices, [true, false])
  func equal(index: Int, isPortable: Bool) throws {
    let machine = try BatchWalkerTests.machine(index)
    switch machine.secondStage?.format {
    case .npt:
      let kernel: LockstepWalker<X86PageTable, NestedPageTable>.Kernel =
        isPortable ? .portable : .gather
      if kernel.isAvailable { run(Bench(machine), kernel) }
    default:
      let kernel: LockstepWalker<X86PageTable, ExtendedPageTable>.Kernel =
        isPortable ? .portable : .gather
      if kernel.isAvailable { run(Bench(machine), kernel) }
    }
  }

  @Test(
    "four levels over four read 24 entries, five over five 35",
    arguments: [("x86-64:4", "ept:4", 24), ("x86-64:5", "ept:5", 35)])
  func references(first: String, second: String, expected: UInt8) throws {
    // (n + 1)(m + 1) - 1.
    let preset = try #require(Preset.named("reference"))
    let machine = try MachineDescription.load(
      json: preset.json, file: "reference",
      settings: ["firstStage.format=\(first)", "secondStage.format=\(second)"]
    ).description
    let bench = Bench<ExtendedPageTable>(machine)
    let read = bench.walk(bench.known, .portable).references
    #expect(read.allSatisfy { $0 == expected })
  }
}
