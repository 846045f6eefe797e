/// Bits `high:low` of a 64-bit hardware word, both ends inclusive, in manual order.
struct BitRange: Hashable, Sendable {
  let high: Int
  let low: Int

  init(_ high: Int, _ low: Int) {
    precondition(0 <= low && low <= high && high < 64, "not a bit range: \(high):\(low)")
    self.high = high
    self.low = low
  }

  init(_ bit: Int) { self.init(bit, bit) }

  /// Ones over the field's width, in place.
  @inline(__always)
  var mask: UInt64 { (.max >> UInt64(63 - (high - low))) << UInt64(low) }
}

/// A 64-bit word whose fields a manual names.
protocol HardwareWord {
  var rawValue: UInt64 { get }

  /// Every field, from bit 63 down, without gaps or overlap.
  static var layout: [(name: String, bits: BitRange)] { get }
}

extension UInt64 {
  /// The field, right-aligned; a written value must fit it.
  @inline(__always)
  subscript(_ field: BitRange) -> UInt64 {
    get { (self & field.mask) >> UInt64(field.low) }
    set {
      precondition(newValue <= field.mask >> UInt64(field.low), "value does not fit \(field)")
      self = (self & ~field.mask) | (newValue << UInt64(field.low))
    }
  }

  /// Whether any bit of the field is set.
  @inline(__always)
  func has(_ field: BitRange) -> Bool { self & field.mask != 0 }
}
