/// What stands before an event's name in a QEMU trace log.
///
/// Source: QEMU 7.2, `scripts/tracetool/backend/log.py`: with `-msg timestamp=on` a line begins with
/// `TID@SECONDS.MICROSECONDS:`, otherwise with the event's name. Since QEMU 10.1 `qemu_log` prints an
/// ISO 8601 time and a blank instead (`util/log.c`), and later versions the guest's name in brackets,
/// the program's and `(TID:THREAD): ` (`util/message.c`, `qmessage_context_print`).
struct QEMULogPrefix {
  /// 0 where the line does not say.
  var thread: UInt64 = 0
  /// Nanoseconds since 1970; nothing where the line does not say.
  var time: UInt64?

  /// Reads a prefix and moves the cursor past it, or nowhere where there is none.
  @inline(__always)
  init(_ cursor: inout TextCursor) {
    // A line without prefix begins with a letter.
    guard cursor.next | 0x20 < UInt8(ascii: "a") || cursor.next | 0x20 > UInt8(ascii: "z") else {
      readProgram(&cursor)
      return
    }
    var attempt = cursor
    if let thread = attempt.takeNumber(), attempt.take(UInt8(ascii: "@")),
      let seconds = attempt.takeNumber(), seconds < 1 << 34, attempt.take(UInt8(ascii: ".")),
      let fraction = attempt.takeNumber(), fraction < 1_000_000, attempt.take(UInt8(ascii: ":"))
    {
      self.thread = thread
      time = seconds * 1_000_000_000 + fraction * 1000
      cursor = attempt
    } else {
      readContext(&cursor)
    }
  }

  /// `2026-08-19T20:14:16.791413Z [guest] `, both or one of them.
  private mutating func readContext(_ cursor: inout TextCursor) {
    var attempt = cursor
    if let time = Self.isoTime(&attempt), attempt.take(0x20) {
      self.time = time
      cursor = attempt
    }
    attempt = cursor
    if attempt.take(UInt8(ascii: "[")), attempt.skip(to: UInt8(ascii: "]")) {
      attempt.step()
      if attempt.take(0x20) { cursor = attempt }
    }
    readProgram(&cursor)
  }

  /// `qemu-system-x86_64: (1234:main): `.
  private mutating func readProgram(_ cursor: inout TextCursor) {
    // Only QEMU's programs have a dash in their name, and no event has.
    guard cursor.next == UInt8(ascii: "q") else { return }
    var attempt = cursor
    guard attempt.skip(to: UInt8(ascii: ":")) else { return }
    attempt.step()
    guard attempt.take(0x20), attempt.take(UInt8(ascii: "(")), let thread = attempt.takeNumber(),
      attempt.take(UInt8(ascii: ":")), attempt.skip(to: UInt8(ascii: ")"))
    else { return }
    attempt.step()
    guard attempt.take(UInt8(ascii: ":")), attempt.take(0x20) else { return }
    self.thread = thread
    cursor = attempt
  }

  /// `YYYY-MM-DDThh:mm:ss[.ffffff]Z` in nanoseconds since 1970.
  private static func isoTime(_ cursor: inout TextCursor) -> UInt64? {
    guard let year = cursor.takeNumber(), 1970..<2500 ~= year, cursor.take(UInt8(ascii: "-")),
      let month = cursor.takeNumber(), 1...12 ~= month, cursor.take(UInt8(ascii: "-")),
      let day = cursor.takeNumber(), 1...31 ~= day, cursor.take(UInt8(ascii: "T")),
      let hour = cursor.takeNumber(), hour < 24, cursor.take(UInt8(ascii: ":")),
      let minute = cursor.takeNumber(), minute < 60, cursor.take(UInt8(ascii: ":")),
      let second = cursor.takeNumber(), second <= 60
    else { return nil }
    var nanoseconds: UInt64 = 0
    if cursor.take(UInt8(ascii: ".")) {
      let first = cursor.place
      guard let fraction = cursor.takeNumber(), cursor.place - first <= 9 else { return nil }
      nanoseconds = fraction
      for _ in 0..<(9 - (cursor.place - first)) { nanoseconds *= 10 }
    }
    guard cursor.take(UInt8(ascii: "Z")) else { return nil }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second
    return seconds * 1_000_000_000 + nanoseconds
  }

  /// Days from 1970-01-01 in the Gregorian calendar; years are counted from March, so that a leap day
  /// is a year's last, and month m (0 for March) begins after (153 m + 2) / 5 days.
  private static func days(_ year: UInt64, _ month: UInt64, _ day: UInt64) -> UInt64 {
    let years = month > 2 ? year : year - 1
    let months = (month + 9) % 12
    return 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1
      - 719_468
  }
}
