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

  /// As `read`, faster: a number of up to eight bytes, where as many follow, is read at once.
  ///
  /// - Returns: any number, and `at` below 0, where `read` gives nothing.
  @inline(__always)
  static func readFast(_ bytes: UnsafeRawBufferPointer, at: inout Int) -> UInt64 {
    if at &+ 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      let ends = ~word & 0x8080_8080_8080_8080
      if ends != 0 {
        let bits = ends.trailingZeroBitCount
        at &+= bits &>> 3 &+ 1
        return joined(word & (UInt64.max &>> UInt64(truncatingIfNeeded: 63 &- bits)))
      }
    }
    return readSlowly(bytes, at: &at)
  }

  /// As `readFast`, where eight bytes can be read at the place.
  @inline(__always)
  static func readWithin(_ bytes: UnsafeRawBufferPointer, at: inout Int) -> UInt64 {
    let word = UInt64(
      littleEndian: bytes.baseAddress.unsafelyUnwrapped.loadUnaligned(
        fromByteOffset: at, as: UInt64.self))
    if word & 0x80 == 0 {
      at &+= 1
      return word & 0x7f
    }
    let ends = ~word & 0x8080_8080_8080_8080
    if ends == 0 { return readSlowly(bytes, at: &at) }
    let bits = ends.trailingZeroBitCount
    at &+= bits &>> 3 &+ 1
    return joined(word & (UInt64.max &>> UInt64(truncatingIfNeeded: 63 &- bits)))
  }

  /// The groups of seven bits of eight bytes, moved together by twos.
  @inline(__always)
  private static func joined(_ bytes: UInt64) -> UInt64 {
    var value = bytes & 0x7f7f_7f7f_7f7f_7f7f
    value = (value & 0x7f00_7f00_7f00_7f00) &>> 1 | value & 0x007f_007f_007f_007f
    value = (value & 0x3fff_0000_3fff_0000) &>> 2 | value & 0x0000_3fff_0000_3fff
    return (value & 0x0fff_ffff_0000_0000) &>> 4 | value & 0x0fff_ffff
  }

  @inline(never)
  private static func readSlowly(_ bytes: UnsafeRawBufferPointer, at: inout Int) -> UInt64 {
    if let value = read(bytes, at: &at) { return value }
    at = -1
    return 0
  }
}
