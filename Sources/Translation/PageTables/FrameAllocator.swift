import Machine

/// Hands out the frames of one physical space, each once, in the order of a policy.
///
/// Pages of each size come from a zone of their own, so that a large page never leaves a hole between
/// small ones: 4 KiB frames from frame 1 upwards, 2 MiB pages from 32 TiB, 1 GiB pages from 64 TiB.
/// Frame 0 is never handed out.
struct FrameAllocator {
  private let policy: FramePolicy
  private let seed: UInt64
  /// Pages handed out of each size, and skipped ones.
  private var next: [UInt64] = [0, 0, 0]
  /// Base frames handed out.
  private(set) var frameCount = 0

  private static let zones: [Range<UInt64>] = [
    0..<1 << 33, 1 << 33..<1 << 34, 1 << 34..<1 << 36,
  ]
  /// Random frames are drawn from one pool of 2^20 pages after another.
  private static let logPool: UInt64 = 20
  /// Frames that stay together when memory is fragmented: the entries of one cache line.
  private static let logRun: UInt64 = 3

  init(policy: FramePolicy, seed: UInt64) {
    self.policy = policy
    self.seed = seed
  }

  /// The first frame of a page that was not handed out before.
  ///
  /// - Parameter size: the frame is aligned to it.
  /// - Returns: nothing once the zone is used up.
  mutating func take(_ size: PageSize) -> UInt64? {
    let zone = Self.zones[Int(size.rawValue)]
    while true {
      let at = next[Int(size.rawValue)]
      let frame = zone.lowerBound + place(of: at, in: size) << size.logFrames
      guard frame + 1 << size.logFrames <= zone.upperBound else { return nil }
      next[Int(size.rawValue)] += 1
      guard frame != 0 else { continue }
      frameCount += 1 << Int(size.logFrames)
      return frame
    }
  }

  private func place(of at: UInt64, in size: PageSize) -> UInt64 {
    // Of the large sizes a zone holds fewer pages than a pool would.
    let logPool = size == .base4K ? Self.logPool : 14
    let pool = at >> logPool
    let inPool = at & (1 << logPool - 1)
    switch policy {
    case .sequential: return at
    case .random:
      return pool << logPool | Self.shuffled(inPool, bits: logPool, by: seed &+ pool)
    case .fragmented:
      let run = Self.shuffled(
        inPool >> Self.logRun, bits: logPool - Self.logRun, by: seed &+ pool)
      return pool << logPool | run << Self.logRun | inPool & (1 << Self.logRun - 1)
    }
  }

  /// A bijection of the numbers of some bits: each step (an odd factor, a shift towards lower bits
  /// that is added without carry, a sum) can be undone within them.
  private static func shuffled(_ value: UInt64, bits: UInt64, by key: UInt64) -> UInt64 {
    let mask: UInt64 = 1 << bits - 1
    var mixed = value
    var state = key
    for _ in 0..<4 {
      state = state &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
      mixed = (mixed &* (state >> 20 | 1) &+ state >> 7) & mask
      mixed ^= mixed >> (bits / 2)
    }
    return mixed
  }
}
