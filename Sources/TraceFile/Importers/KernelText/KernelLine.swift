/// What stands before an event in text that Linux's tracers print.
///
/// Sources: Linux 6.1, `kernel/trace/trace_output.c`, `trace_print_context`: a task's name and number
/// joined by `-`, an optional `(TGID)`, `[CPU]`, the latency flags, the time and `: `; `trace-cmd
/// report` prints no flags; perf 6.1, `builtin-script.c`, `perf_sample__fprintf_start`: name, number
/// (or `PID/TID`), `[CPU]`, time and `: `.
///
/// A name may hold blanks, dashes, colons and brackets, so the line is read from the first `[CPU]`
/// that a number stands before and a time behind.
struct KernelLine {
  /// The thread that ran.
  var thread: UInt64
  var core: UInt64
  /// Nanoseconds; nothing where the clock counts something else.
  var time: UInt64?

  /// Reads up to the event's name and moves the cursor there; the cursor's place means nothing on
  /// failure.
  init?(_ cursor: inout TextCursor) {
    let start = cursor.place
    while true {
      guard cursor.skip(to: UInt8(ascii: "[")) else { return nil }
      let bracket = cursor.place
      cursor.step()
      if let core = cursor.takeNumber(), core < 1 << 16, cursor.take(UInt8(ascii: "]")),
        cursor.takeBlanks(), let thread = Self.thread(before: bracket, start),
        Self.takeFlags(&cursor), let time = Self.takeTime(&cursor)
      {
        self.core = core
        self.thread = thread
        self.time = time.nanoseconds
        return
      }
    }
  }

  /// The number that ends before `[`, with blanks and perhaps a group's number in brackets between.
  private static func thread(
    before bracket: UnsafePointer<UInt8>, _ start: UnsafePointer<UInt8>
  ) -> UInt64? {
    var place = bracket
    func skipBlanks() { while place > start, place[-1] == 0x20 || place[-1] == 9 { place -= 1 } }
    skipBlanks()
    if place > start, place[-1] == UInt8(ascii: ")") {
      let end = place
      while place > start, place[-1] != UInt8(ascii: "("), end - place < 16 { place -= 1 }
      guard place > start, place[-1] == UInt8(ascii: "(") else { return nil }
      place -= 1
      skipBlanks()
    }
    var (value, unit, digits) = (UInt64(0), UInt64(1), 0)
    while place > start, place[-1] &- 0x30 < 10 {
      guard digits < 10 else { return nil }
      value += UInt64(place[-1] &- 0x30) * unit
      unit *= 10
      digits += 1
      place -= 1
    }
    guard digits > 0, place > start else { return nil }
    let before = place[-1]
    let isEnd = before == UInt8(ascii: "-") || before == 0x20 || before == UInt8(ascii: "/")
    return isEnd ? value : nil
  }

  /// Passes over the latency flags, whose first is never a digit, where they are printed.
  private static func takeFlags(_ cursor: inout TextCursor) -> Bool {
    guard cursor.next &- 0x30 >= 10 else { return true }
    while cursor.next != 0x20 {
      guard cursor.next > 0x20 else { return false }
      cursor.step()
    }
    return cursor.takeBlanks()
  }

  private static func takeTime(_ cursor: inout TextCursor) -> (nanoseconds: UInt64?, Void)? {
    guard let seconds = cursor.takeNumber() else { return nil }
    var time: UInt64?
    if cursor.take(UInt8(ascii: ".")) {
      let first = cursor.place
      guard seconds < 1 << 34, var fraction = cursor.takeNumber() else { return nil }
      let digits = cursor.place - first
      guard digits <= 9 else { return nil }
      for _ in digits..<9 { fraction *= 10 }
      time = seconds * 1_000_000_000 + fraction
    }
    guard cursor.take(UInt8(ascii: ":")), cursor.takeBlanks() else { return nil }
    return (time, ())
  }
}

/// `KEY=VALUE` fields of an event's text, by the keys that the reader asks for.
///
/// Fields that another version adds, drops or moves make no difference. A key that stands there more
/// than once has its last value: a task's name before it may look like one.
struct LineFields {
  /// A key with how its value is written.
  struct Key: BitwiseCopyable {
    enum Kind: UInt8 {
      /// With or without `0x`.
      case hexadecimal
      case decimal
      /// Up to a blank, as a hash.
      case word
    }

    var name: UnsafePointer<UInt8>
    var length: Int
    var kind: Kind
    var isRequired: Bool
  }

  private(set) var values = LineValues(repeating: 0)
  /// A bit for each key that was there.
  private(set) var found: UInt32 = 0

  func has(_ key: Int) -> Bool { found >> UInt32(key) & 1 != 0 }

  @inline(__always)
  subscript(_ key: Int) -> UInt64 { values[key] }

  /// Reads the keys' values.
  ///
  /// - Returns: nothing where a required key or a number is missing.
  init?(_ start: TextCursor, _ keys: UnsafePointer<Key>, _ count: Int) {
    var cursor = start
    while !cursor.isAtLineEnd {
      for at in 0..<count {
        let key = keys[at]
        guard cursor.next == key.name[0], Self.isAt(cursor.place, key) else { continue }
        var value = TextCursor(cursor.place + key.length)
        guard let number = Self.read(&value, key.kind) else { return nil }
        values[at] = number
        found |= 1 << UInt32(at)
        cursor = value
        break
      }
      while !cursor.isAtLineEnd, cursor.next != 0x20, cursor.next != 9 { cursor.step() }
      _ = cursor.takeBlanks()
    }
    for at in 0..<count where keys[at].isRequired && !has(at) { return nil }
  }

  @inline(__always)
  private static func isAt(_ place: UnsafePointer<UInt8>, _ key: Key) -> Bool {
    for at in 0..<key.length where place[at] != key.name[at] { return false }
    return true
  }

  @inline(__always)
  private static func read(_ cursor: inout TextCursor, _ kind: Key.Kind) -> UInt64? {
    switch kind {
    case .hexadecimal:
      if cursor.next == UInt8(ascii: "0"), cursor.place[1] | 0x20 == UInt8(ascii: "x") {
        cursor.step()
        cursor.step()
      }
      return cursor.takeHexadecimal()
    case .decimal:
      let isNegative = cursor.take(UInt8(ascii: "-"))
      guard let value = cursor.takeNumber() else { return nil }
      return isNegative ? 0 &- value : value
    case .word:
      var hash = TextHash.start
      while !cursor.isAtLineEnd, cursor.next != 0x20, cursor.next != UInt8(ascii: ",") {
        hash = TextHash.adding(cursor.next, to: hash)
        cursor.step()
      }
      return hash
    }
  }
}
