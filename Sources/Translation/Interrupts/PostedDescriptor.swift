/// The word of a posted-interrupt descriptor that says where notifications go.
///
/// Source: Intel Virtualization Technology for Directed I/O, Architecture Specification, "Posted
/// Interrupt Descriptor (PID)", bits 319:256; Linux arch/x86/include/asm/posted_intr.h.
struct PostedControl: HardwareWord, BitwiseCopyable, Equatable, Sendable {
  var rawValue: UInt64 = 0

  static let destination = BitRange(63, 32)  // 319:288, NDST; xAPIC has its id in 15:8 of it
  static let reservedHigh = BitRange(31, 24)  // 287:280
  static let vector = BitRange(23, 16)  // 279:272, NV
  static let reserved = BitRange(15, 2)  // 271:258
  static let suppressed = BitRange(1)  // 257, SN
  static let outstanding = BitRange(0)  // 256, ON

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("destination", destination), ("reservedHigh", reservedHigh), ("vector", vector),
      ("reserved", reserved), ("suppressed", suppressed), ("outstanding", outstanding),
    ]
  }

  var isOutstanding: Bool {
    get { rawValue.has(Self.outstanding) }
    set { rawValue[Self.outstanding] = newValue ? 1 : 0 }
  }

  var isSuppressed: Bool {
    get { rawValue.has(Self.suppressed) }
    set { rawValue[Self.suppressed] = newValue ? 1 : 0 }
  }

  var notificationVector: UInt8 {
    get { UInt8(rawValue[Self.vector]) }
    set { rawValue[Self.vector] = UInt64(newValue) }
  }

  /// The core that notifications go to.
  func core(isExtended: Bool) -> UInt32 {
    let destination = UInt32(rawValue[Self.destination])
    return isExtended ? destination : destination >> 8 & 0xff
  }

  mutating func setCore(_ core: UInt32, isExtended: Bool) {
    rawValue[Self.destination] = UInt64(isExtended ? core : (core & 0xff) << 8)
  }
}

/// A posted-interrupt descriptor: vectors that wait, and where to say so.
///
/// Source: as `PostedControl`; PIR is bits 255:0.
struct PostedDescriptor: BitwiseCopyable, Sendable {
  /// PIR: one bit for each vector.
  private(set) var requests: InlineArray<4, UInt64> = .init(repeating: 0)
  var control = PostedControl()

  /// What posting one vector did.
  struct Post: BitwiseCopyable, Equatable, Sendable {
    /// The vector already waited: both become one interrupt.
    var isMerged: Bool
    /// A notification was sent.
    var isNotified: Bool
  }

  var isEmpty: Bool { requests[0] | requests[1] | requests[2] | requests[3] == 0 }

  func has(_ vector: UInt8) -> Bool {
    requests[Int(vector >> 6)] & (1 << UInt64(vector & 63)) != 0
  }

  /// Posts a vector as the remapping unit does, in one atomic update.
  ///
  /// Source: VT-d specification, "Interrupt-Posting Hardware Operation": the request bit is set; where
  /// no notification is outstanding, and it is urgent or notifications are not suppressed, ON is set
  /// and the notification is sent.
  @inline(__always)
  mutating func post(_ vector: UInt8, isUrgent: Bool) -> Post {
    let (word, bit) = (Int(vector >> 6), UInt64(1) << UInt64(vector & 63))
    let isMerged = requests[word] & bit != 0
    requests[word] |= bit
    let isNotified = !control.isOutstanding && (isUrgent || !control.isSuppressed)
    if isNotified { control.isOutstanding = true }
    return Post(isMerged: isMerged, isNotified: isNotified)
  }

  /// Takes a vector, where it waits.
  ///
  /// - Returns: whether it did.
  mutating func remove(_ vector: UInt8) -> Bool {
    guard has(vector) else { return false }
    requests[Int(vector >> 6)] &= ~(1 << UInt64(vector & 63))
    return true
  }

  /// Takes one waiting vector, the highest first; nothing where none waits.
  @inline(__always)
  mutating func take() -> UInt8? {
    var word = 3
    while word >= 0 {
      let bits = requests[word]
      if bits != 0 {
        let bit = 63 - bits.leadingZeroBitCount
        requests[word] = bits & ~(1 << UInt64(bit))
        return UInt8(word * 64 + bit)
      }
      word -= 1
    }
    return nil
  }
}
