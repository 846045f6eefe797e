/// Replaces the entry that came first; a hit changes nothing.
///
/// A set's state is the way that goes next.
enum FIFO {
  @inline(__always)
  static func filled(_ way: Int, of ways: Int, _ state: inout UInt64) {
    state = UInt64(truncatingIfNeeded: way + 1 == ways ? 0 : way + 1)
  }

  @inline(__always)
  static func victim(_ state: UInt64) -> Int { Int(truncatingIfNeeded: state) }
}
