/// FNV-1a of a text, by which words are told apart without making strings of them.
enum TextHash {
  static let start: UInt64 = 0xcbf2_9ce4_8422_2325

  @inline(__always)
  static func adding(_ byte: UInt8, to hash: UInt64) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x100_0000_01b3
  }

  static func of(_ text: String) -> UInt64 {
    text.utf8.reduce(start) { adding($1, to: $0) }
  }
}

/// How often each name begins a line, with the number that a reader has given to some of them.
///
/// Names that nobody knows are added as they come, up to a limit; beyond it they are counted
/// together. A lookup neither allocates nor makes a `String` of a name that is there.
final class LineNames {
  struct Entry {
    var hash: UInt64
    var name: UnsafeMutableBufferPointer<UInt8>
    /// What the reader calls it; 0 for a name that nobody knows.
    var kind: UInt8
    var lines: Int
    /// Lines of it that made no event.
    var skipped: Int
  }

  static let maximumNames = 1024
  private static let cells = 4096

  private let numbers: UnsafeMutablePointer<UInt16>
  private let entries: UnsafeMutablePointer<Entry>
  private var count = 0

  /// Where lines are counted whose names are too many.
  private static let others = 0

  /// Knows the given names.
  init(_ known: [(name: String, kind: UInt8)]) {
    numbers = .allocate(capacity: Self.cells)
    numbers.initialize(repeating: 0, count: Self.cells)
    entries = .allocate(capacity: Self.maximumNames + 1)
    add("other names", hash: 0, kind: 0)
    for (name, kind) in known {
      var text = Array(name.utf8) + [newline]
      text.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        var cursor = TextCursor(UnsafePointer(base))
        guard let number = find(&cursor) else { return }
        entries[number].kind = kind
        entries[number].lines = 0
      }
    }
  }

  deinit {
    for at in 0..<count { entries[at].name.deallocate() }
    entries.deallocate()
    numbers.deallocate()
  }

  private func add(_ name: some Collection<UInt8>, hash: UInt64, kind: UInt8) {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: name.count)
    _ = copy.initialize(from: name)
    (entries + count).initialize(
      to: Entry(hash: hash, name: copy, kind: kind, lines: 0, skipped: 0))
    count += 1
  }

  private func add(_ name: String, hash: UInt64, kind: UInt8) {
    add(Array(name.utf8), hash: hash, kind: kind)
  }

  /// Reads a name (letters, digits and `_`) and counts its line.
  ///
  /// - Returns: the name's number; nothing where none is there, or `end` or the line's end does not
  ///   follow.
  @inline(__always)
  func find(_ cursor: inout TextCursor, before end: UInt8 = 0x20) -> Int? {
    let start = cursor.place
    guard let hash = Self.takeName(&cursor, before: end) else { return nil }
    let length = cursor.place - start
    var cell = Int(truncatingIfNeeded: hash ^ hash >> 29) & (Self.cells - 1)
    while numbers[cell] != 0 {
      let number = Int(numbers[cell])
      if entries[number].hash == hash, entries[number].name.count == length,
        Self.isEqual(entries[number].name, start)
      {
        entries[number].lines += 1
        return number
      }
      cell = (cell + 1) & (Self.cells - 1)
    }
    guard count <= Self.maximumNames else {
      entries[Self.others].lines += 1
      return Self.others
    }
    add(UnsafeBufferPointer(start: start, count: length), hash: hash, kind: 0)
    numbers[cell] = UInt16(count - 1)
    entries[count - 1].lines = 1
    return count - 1
  }

  /// Passes over a name.
  ///
  /// - Returns: its hash (FNV-1a); nothing where it is no name.
  @inline(__always)
  static func takeName(_ cursor: inout TextCursor, before end: UInt8 = 0x20) -> UInt64? {
    guard cursor.next | 0x20 >= UInt8(ascii: "a"), cursor.next | 0x20 <= UInt8(ascii: "z") else {
      return nil
    }
    var hash = TextHash.start
    while true {
      let byte = cursor.next
      let isName =
        (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
        || byte &- 0x30 < 10 || byte == UInt8(ascii: "_")
      guard isName else { break }
      hash = TextHash.adding(byte, to: hash)
      cursor.step()
    }
    return cursor.next == end || cursor.isAtLineEnd ? hash : nil
  }

  @inline(__always)
  private static func isEqual(
    _ name: UnsafeMutableBufferPointer<UInt8>, _ start: UnsafePointer<UInt8>
  ) -> Bool {
    for at in 0..<name.count where name[at] != start[at] { return false }
    return true
  }

  @inline(__always)
  func kind(of number: Int) -> UInt8 { entries[number].kind }

  /// A line of that name made no event.
  @inline(__always)
  func skip(_ number: Int) { entries[number].skipped += 1 }

  /// Lines that made no event.
  var skipped: Int { (0..<count).reduce(0) { $0 + entries[$1].skipped } }

  /// Lines in all.
  var lines: Int { (0..<count).reduce(0) { $0 + entries[$1].lines } }

  /// The names of lines that made no event with how many those were, the most frequent first; names
  /// beyond the limit are counted together.
  func skippedNames(limit: Int = 60) -> String? {
    var counts = (0..<count).filter { entries[$0].skipped > 0 }.map {
      (name: String(decoding: entries[$0].name, as: UTF8.self), count: entries[$0].skipped)
    }
    guard !counts.isEmpty else { return nil }
    counts.sort { ($1.count, $0.name) < ($0.count, $1.name) }
    var parts = counts.prefix(limit).map { "\($0.name) \($0.count)" }
    if counts.count > limit {
      let rest = counts.dropFirst(limit).reduce(0) { $0 + $1.count }
      parts.append("\(counts.count - limit) more names \(rest)")
    }
    return parts.joined(separator: ", ")
  }
}
