/// Replaces the entry to which a binary tree points, whose nodes point away from recent uses.
///
/// A set's state has a bit for each node, the root at bit 1 and the children of node n at 2n and
/// 2n + 1; a clear bit points to the lower half of the ways.
enum TreePLRU {
  /// Turns the nodes on the way to an entry away from it.
  @inline(__always)
  static func touched(_ way: Int, of ways: Int, _ state: inout UInt64) {
    var node = 1
    var half = ways / 2
    while half > 0 {
      let isUpper = way & half != 0
      if isUpper { state &= ~(1 << UInt64(node)) } else { state |= 1 << UInt64(node) }
      node = 2 * node + (isUpper ? 1 : 0)
      half /= 2
    }
  }

  /// Follows the nodes from the root.
  @inline(__always)
  static func victim(of ways: Int, _ state: UInt64) -> Int {
    var node = 1
    while node < ways { node = 2 * node + Int(truncatingIfNeeded: state >> UInt64(node) & 1) }
    return node - ways
  }
}
