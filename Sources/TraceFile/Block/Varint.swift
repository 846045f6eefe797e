/// Whole numbers in as many bytes as they need, seven bits a byte, low bits first.
enum Varint {
  /// Small numbers for small distances of either sign.
  @inline(__always)
  static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

  @inline(__always)
  static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Reads a number of at most ten bytes.
  ///
  /// - Parameters:
  ///   - bytes: the bytes to read from.
  ///   - at: moved past the number.
  /// - Returns: nothing where the bytes end within the number or it does not fit 64 bits.
  @inline(__always)
  static func read(_ bytes: UnsafeRawBufferPointer, at: inout Int) -> UInt64? {
    // Most numbers take one byte.
    if at < bytes.count, bytes[at] < 0x80 {
      at += 1
      return UInt64(bytes[at - 1])
    }
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if shift == 63 && byte > 1 { return nil }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }
}
