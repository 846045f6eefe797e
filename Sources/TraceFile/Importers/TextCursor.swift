/// The value of each byte as a hexadecimal digit; 16 or more where it is none.
///
/// Never written after it is made, and never freed.
nonisolated(unsafe) private let digitValues: UnsafePointer<UInt8> = {
  let values = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
  values.initialize(repeating: 0xff, count: 256)
  for (value, digit) in "0123456789abcdef".utf8.enumerated() { values[Int(digit)] = UInt8(value) }
  for (value, digit) in "ABCDEF".utf8.enumerated() { values[Int(digit)] = UInt8(10 + value) }
  return UnsafePointer(values)
}()

/// A place in text whose lines all end with a newline, so that a scan that stops at a newline at
/// the latest needs no other bound.
struct TextCursor {
  /// The next byte.
  private(set) var place: UnsafePointer<UInt8>
  private let digitValues: UnsafePointer<UInt8>

  init(_ place: UnsafePointer<UInt8>) {
    self.place = place
    self.digitValues = TraceFile.digitValues
  }

  /// The next byte, which may be the line's newline.
  var next: UInt8 { place.pointee }

  /// Passes over a byte that is known not to be the newline.
  mutating func step() { place += 1 }

  /// Passes over one byte where it is the given one.
  mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    place += 1
    return true
  }

  /// Passes over blanks and tabs.
  ///
  /// - Returns: whether there was one.
  mutating func takeBlanks() -> Bool {
    let before = place
    while next == 0x20 || next == 0x09 { place += 1 }
    return place > before
  }

  /// Reads one to sixteen hexadecimal digits.
  ///
  /// - Returns: nothing where there is none, or more.
  mutating func takeHexadecimal() -> UInt64? {
    let first = place
    var value: UInt64 = 0
    while true {
      let digit = digitValues[Int(place.pointee)]
      guard digit < 16 else { break }
      value = value &<< 4 | UInt64(digit)
      place += 1
    }
    let digits = place - first
    return digits > 0 && digits <= 16 ? value : nil
  }

  /// Reads one to four decimal digits.
  ///
  /// - Returns: nothing where there is none, or more.
  mutating func takeDecimal() -> UInt16? {
    let first = place
    var value: UInt16 = 0
    while place.pointee &- 0x30 < 10 {
      value = value &* 10 &+ UInt16(place.pointee &- 0x30)
      place += 1
    }
    let digits = place - first
    return digits > 0 && digits <= 4 ? value : nil
  }

  /// Reads a decimal number of at most 64 bits.
  ///
  /// - Returns: nothing where there is none, or a larger one.
  mutating func takeNumber() -> UInt64? {
    let first = place
    var value: UInt64 = 0
    while place.pointee &- 0x30 < 10 {
      let (tens, isLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, isLarger) = tens.addingReportingOverflow(UInt64(place.pointee &- 0x30))
      guard !isLarge, !isLarger else { return nil }
      value = sum
      place += 1
    }
    return place > first ? value : nil
  }

  /// Passes over everything up to a byte, or to the end of the line where it is not there.
  ///
  /// - Returns: whether it was there.
  mutating func skip(to byte: UInt8) -> Bool {
    while next != byte, next != newline { place += 1 }
    return next == byte
  }

  /// Whether the line ends here.
  var isAtLineEnd: Bool { next == newline || (next == 0x0d && place[1] == newline) }

  /// Passes over the end of the line, as Unix or as DOS writes it.
  mutating func takeLineEnd() -> Bool {
    if next == 0x0d, place[1] == newline {
      place += 2
      return true
    }
    return take(newline)
  }

  /// Passes over the rest of the line and its newline.
  ///
  /// - Returns: the bytes passed over, the newline left out.
  mutating func takeRestOfLine() -> Int {
    let first = place
    while place.pointee != newline { place += 1 }
    place += 1
    return place - first - 1
  }
}
