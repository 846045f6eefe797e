import Machine

/// Synthesised tables of a large footprint and every way of walking them, for benchmarks.
///
/// It stands here because a walk is specialised for its formats in this module alone.
public final class WalkTrial {
  private typealias Lockstep = LockstepWalker<X86PageTable, ExtendedPageTable>

  private var space: AddressSpace<X86PageTable, ExtendedPageTable>
  private var batch = BatchWalker<X86PageTable, ExtendedPageTable>(logMemo: 16)
  private var alone = Walker<X86PageTable, ExtendedPageTable>(
    caches: WalkCacheSet([], hasSecondStage: false))
  private var path = WalkPath()
  private let results: UnsafeMutablePointer<BatchWalk>
  private let hosts: UnsafeMutablePointer<UInt64>
  private let references: UnsafeMutablePointer<UInt8>
  /// Addresses of one call.
  private static let most = 4096

  /// Makes four levels over four that map pages of 4 KiB from address 0 upwards.
  ///
  /// - Parameters:
  ///   - machine: whose synthesis policy makes them.
  ///   - pages: how many.
  public init(_ machine: MachineDescription, pages: Int) {
    space = AddressSpace(firstLevels: 4, secondLevels: 4, policy: machine.synthesis)
    results = .allocate(capacity: Self.most)
    results.initialize(repeating: BatchWalk(), count: Self.most)
    hosts = .allocate(capacity: Self.most)
    references = .allocate(capacity: Self.most)
    for page in 0..<pages { _ = space.populate(GVA(frame: UInt64(page))) }
  }

  deinit {
    results.deallocate()
    hosts.deallocate()
    references.deallocate()
  }

  /// Frames of tables of both stages.
  public var tableFrames: Int { space.memory.frameCount }

  /// This processor can run the gather kernel.
  public static var hasGather: Bool { Lockstep.Kernel.gather.isAvailable }

  /// Reads every entry of each walk, one by one.
  ///
  /// - Parameter addresses: to walk.
  /// - Returns: the sum of the host addresses, without carry, and the entries read.
  public func walkAlone(_ addresses: [UInt64]) -> (sum: UInt64, references: Int) {
    var sum: UInt64 = 0
    var references = 0
    for address in addresses {
      let outcome = alone.walk(
        GVA(address), .read, in: space.roots, space.memory, path: &path)
      if case .translated(let found) = outcome { sum ^= found.address.rawValue &+ address }
      references += path.count
    }
    return (sum, references)
  }

  /// Walks the same as batches that read two entries each.
  ///
  /// - Parameter addresses: to walk.
  /// - Returns: the sum of the host addresses, without carry.
  public func walkBatch(_ addresses: [UInt64]) -> UInt64 {
    var sum: UInt64 = 0
    inParts(addresses) { part in
      batch.walk(part, .read, in: space.roots, space.memory, into: results)
      for at in 0..<part.count where !results[at].faults { sum ^= results[at].host &+ part[at] }
    }
    return sum
  }

  /// Walks the same in lock step, reading every entry.
  ///
  /// - Parameters:
  ///   - addresses: to walk.
  ///   - gather: by AVX-512, where `hasGather`.
  /// - Returns: the sum of the host addresses, without carry, and the entries read.
  public func walkLockstep(
    _ addresses: [UInt64], gather: Bool
  ) -> (sum: UInt64, references: Int) {
    var walker = Lockstep(space.roots)
    var sum: UInt64 = 0
    var count = 0
    inParts(addresses) { part in
      walker.walk(
        part, space.memory, gather ? .gather : .portable, hosts: hosts, references: references)
      for at in 0..<part.count {
        if hosts[at] != Lockstep.notPlain { sum ^= hosts[at] &+ part[at] }
        count += Int(references[at])
      }
    }
    return (sum, count)
  }

  private func inParts(_ addresses: [UInt64], _ body: (UnsafeBufferPointer<UInt64>) -> Void) {
    addresses.withUnsafeBufferPointer { addresses in
      for start in stride(from: 0, to: addresses.count, by: Self.most) {
        let end = min(start + Self.most, addresses.count)
        body(UnsafeBufferPointer(rebasing: addresses[start..<end]))
      }
    }
  }
}
