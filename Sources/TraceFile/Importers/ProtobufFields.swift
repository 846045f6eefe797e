/// Takes a protocol-buffer message apart, field by field.
///
/// Source: Protocol Buffers documentation, "Encoding".
struct ProtobufFields {
  enum Value {
    case number(UInt64)
    /// Bytes or a fixed-size number, passed over.
    case passedOver
  }

  enum Step {
    case field(UInt64, Value)
    case end
    case malformed
  }

  private let bytes: UnsafeRawBufferPointer
  /// Bytes taken so far.
  private(set) var consumed = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Reads the next field.
  mutating func next() -> Step {
    guard consumed < bytes.count else { return .end }
    guard let key = takeVarint(), key >> 3 > 0 else { return .malformed }
    let length: UInt64
    switch key & 7 {
    case 0:
      guard let number = takeVarint() else { return .malformed }
      return .field(key >> 3, .number(number))
    case 1: length = 8
    case 2:
      guard let count = takeVarint() else { return .malformed }
      length = count
    case 5: length = 4
    // Groups are obsolete, 6 and 7 undefined.
    default: return .malformed
    }
    guard length <= UInt64(bytes.count - consumed) else { return .malformed }
    consumed += Int(length)
    return .field(key >> 3, .passedOver)
  }

  /// Reads a number of at most ten bytes, seven bits in each, lowest first.
  ///
  /// - Returns: nothing where it does not end or has more than 64 bits.
  mutating func takeVarint() -> UInt64? {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard consumed < bytes.count else { return nil }
      let byte = bytes[consumed]
      consumed += 1
      guard shift < 63 || byte <= 1 else { return nil }
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
    }
    return nil
  }
}
