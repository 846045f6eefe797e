/// The numbers of one line, in order.
typealias LineValues = InlineArray<10, UInt64>

/// What follows a line's name, as the program that prints it formats it.
///
/// `%x` stands for a hexadecimal number of at most 16 digits without its `0x`, `%d` for a decimal
/// one (a negative one becomes its two's complement), `%s` for any text up to the byte after it.
struct LinePattern: BitwiseCopyable {
  /// Never written after it is made, and never freed: patterns live as long as the program.
  private let steps: UnsafeMutableBufferPointer<UInt8>

  private static let hexadecimal: UInt8 = 1
  private static let decimal: UInt8 = 2
  private static let anything: UInt8 = 3

  init(_ text: String) {
    let bytes = Array(text.utf8)
    var steps: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%"), at + 1 < bytes.count {
        switch bytes[at + 1] {
        case UInt8(ascii: "x"): steps.append(Self.hexadecimal)
        case UInt8(ascii: "d"): steps.append(Self.decimal)
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
      case Self.anything:
        guard at < steps.count else { return true }
        guard cursor.skip(to: steps[at]) else { return false }
      default:
        guard cursor.take(step) else { return false }
      }
    }
    return cursor.isAtLineEnd || cursor.next == 0x20 || cursor.next == UInt8(ascii: ",")
  }
}
