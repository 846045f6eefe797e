/// From an address to the table of level 0 that has its entry: a direct-mapped memo.
///
/// Tables never move, and an entry is kept for the address bits that lead to it.
struct TableMemo: ~Copyable {
  private struct Line {
    /// One more than the address bits; 0 for an empty line.
    var prefix: UInt64
    var words: UnsafeMutablePointer<UInt64>?
  }

  private static var lines: Int { 1 << 12 }

  private let lines = LargeArray(
    of: Line(prefix: 0, words: nil), capacity: Self.lines)

  /// The entry of an address; nothing where its table is not known.
  @inline(__always)
  func entry(of address: UInt64) -> UnsafeMutablePointer<UInt64>? {
    let prefix = address >> 21 + 1
    let line = lines[Self.place(of: prefix)]
    guard line.prefix == prefix else { return nil }
    return line.words.map { $0 + Int(address >> 12 & 511) }
  }

  /// Keeps the table of an address.
  func keep(_ words: UnsafeMutablePointer<UInt64>, of address: UInt64) {
    let prefix = address >> 21 + 1
    lines[Self.place(of: prefix)] = Line(prefix: prefix, words: words)
  }

  @inline(__always)
  private static func place(of prefix: UInt64) -> Int {
    Int(truncatingIfNeeded: prefix ^ prefix >> 12) & (lines - 1)
  }
}
