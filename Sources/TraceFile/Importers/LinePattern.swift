/// The numbers of one line, in order.
typealias LineValues = InlineArray<10, UInt64>

/// What follows a line's name, as the program that prints it formats it.
///
/// `%x` stands for a hexadecimal number of at most 16 digits without its `0x`, `%d` for a decimal
/// one (a negative one becomes its two's complement), `%s` for any text up to what stands after it in
/// the pattern, and `%h` for such a text whose hash (`TextHash`) becomes a value.
struct LinePattern: BitwiseCopyable {
  /// Never written after it is made, and never freed: patterns live as long as the program.
  private let steps: UnsafeMutableBufferPointer<UInt8>

  private static let hexadecimal: UInt8 = 1
  private static let decimal: UInt8 = 2
  private static let anything: UInt8 = 3
  private static let hashed: UInt8 = 4

  init(_ text: String) {
    let bytes = Array(text.utf8)
    var steps: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 1 < bytes.count {
        switch bytes[at + 1] {
        case UInt8(ascii: "x"): steps.append(Self.hexadecimal)
        case UInt8(ascii: "d"): steps.append(Self.decimal)
        case UInt8(ascii: "h"): steps.append(Self.hashed)
        default: steps.append(Self.anything)
        }
        at += 2
      } else {
        steps.append(bytes[at])
        at += 1
      }
    }
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: steps.count)
    _ = copy.initialize(from: steps)
    self.steps = copy
  }

  /// Reads the numbers that the text at the cursor has where the pattern has them.
  ///
  /// A later version of the program may print more after them, set off by a blank or a comma.
  ///
  /// - Returns: whether the text fits; the cursor's place means nothing otherwise.
  @inline(__always)
  func match(_ cursor: inout TextCursor, _ values: inout LineValues) -> Bool {
    var count = 0
    var at = 0
    while at < steps.count {
      let step = steps[at]
      at += 1
      switch step {
      case Self.hexadecimal:
        guard let value = cursor.takeHexadecimal() else { return false }
        values[count] = value
        count += 1
      case Self.decimal:
        let isNegative = cursor.take(UInt8(ascii: "-"))
        guard let value = cursor.takeNumber() else { return false }
        values[count] = isNegative ? 0 &- value : value
        count += 1
      case Self.anything, Self.hashed:
        let end = literalEnd(from: at)
        if end == at, step == Self.anything { return true }
        guard let hash = Self.skip(&cursor, to: steps, at..<end) else { return false }
        if step == Self.hashed {
          values[count] = hash
          count += 1
        }
        at = end
      default:
        guard cursor.take(step) else { return false }
      }
    }
    return cursor.isAtLineEnd || cursor.next == 0x20 || cursor.next == UInt8(ascii: ",")
  }

  /// Where the plain text that begins at a step ends.
  private func literalEnd(from start: Int) -> Int {
    var at = start
    while at < steps.count, steps[at] > Self.hashed { at += 1 }
    return at
  }

  /// Passes over everything up to a plain text and over that; to the line's end for none.
  ///
  /// - Returns: the hash of what stood before it; nothing where it is not on the line.
  private static func skip(
    _ cursor: inout TextCursor, to steps: UnsafeMutableBufferPointer<UInt8>, _ text: Range<Int>
  ) -> UInt64? {
    var hash = TextHash.start
    while true {
      if text.isEmpty {
        if cursor.isAtLineEnd { return hash }
      } else {
        if cursor.next == steps[text.lowerBound] {
          var attempt = cursor
          var at = text.lowerBound
          while at < text.upperBound, attempt.take(steps[at]) { at += 1 }
          if at == text.upperBound {
            cursor = attempt
            return hash
          }
        }
        if cursor.next == newline { return nil }
      }
      hash = TextHash.adding(cursor.next, to: hash)
      cursor.step()
    }
  }
}
