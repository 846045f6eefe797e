/// Replaces an entry that is predicted to be used again in the distant future.
///
/// Each entry has two bits: 0 after a hit, 2 after a fill; 3 goes, and where none has 3 all grow by
/// one until one does. A set's state has one word for the low bits and one for the high bits.
///
/// Source: Jaleel et al., "High Performance Cache Replacement Using Re-Reference Interval Prediction
/// (RRIP)", ISCA 2010, "Static RRIP", hit priority.
enum SRRIP {
  @inline(__always)
  static func touched(_ way: Int, _ low: inout UInt64, _ high: inout UInt64) {
    low &= ~(1 << UInt64(way))
    high &= ~(1 << UInt64(way))
  }

  @inline(__always)
  static func filled(_ way: Int, _ low: inout UInt64, _ high: inout UInt64) {
    low &= ~(1 << UInt64(way))
    high |= 1 << UInt64(way)
  }

  /// The first way with 3, after the aging that it takes; at most three steps.
  @inline(__always)
  static func victim(of ways: Int, _ low: inout UInt64, _ high: inout UInt64) -> Int {
    let all: UInt64 = .max >> UInt64(64 - ways)
    while true {
      let distant = low & high & all
      if distant != 0 { return distant.trailingZeroBitCount }
      // No entry has 3, so adding one carries from low to high and never out.
      high |= low & all
      low ^= all
    }
  }
}
