import TraceFile

/// A device's interrupt message.
struct InterruptMessage: BitwiseCopyable, Sendable {
  // Words first: a field across the boundary of one that was just stored waits for the store.
  var address: UInt64
  /// What is written.
  var data: UInt64
  var place: EventPlace
  /// A requester's id, or `unknownDevice`.
  var device: UInt32
  /// The recorder said what is written; a plain DMA write to the interrupt range has no data.
  var hasData: Bool

  init(device: UInt32, address: UInt64, data: UInt64, hasData: Bool, place: EventPlace) {
    self.device = device
    self.address = address
    self.data = data
    self.hasData = hasData
    self.place = place
  }

  static let unknownDevice = UInt32(truncatingIfNeeded: EventTag.unknownDevice)

  /// Whether the trace says which device sent it.
  var hasDevice: Bool { device != Self.unknownDevice }
}

/// What a message in the format that processors understand asks for.
struct InterruptRequest: BitwiseCopyable, Equatable, Sendable {
  var destination: UInt32 = 0
  var vector: UInt8 = 0
  var deliveryMode: DeliveryMode = .fixed
  var isLevel = false
  var isLogical = false
  var redirectionHint = false

  init() {}

  /// Reads a message in compatibility format.
  ///
  /// Model: the destination's bits 14:8, which KVM and Hyper-V read from address bits 11:5, are not
  /// read, as processors do not.
  init(_ message: InterruptMessage) {
    vector = UInt8(message.data[CompatibilityData.vector])
    deliveryMode = DeliveryMode(message.data[CompatibilityData.deliveryMode])
    isLevel = message.data.has(CompatibilityData.trigger)
    isLogical = message.address.has(CompatibilityAddress.destinationMode)
    redirectionHint = message.address.has(CompatibilityAddress.redirectionHint)
    destination = UInt32(message.address[CompatibilityAddress.destination])
  }
}

/// How a processor takes an interrupt.
///
/// Source: Intel SDM volume 3A, June 2016, "Message Data Register Format".
enum DeliveryMode: UInt8, Sendable, CaseIterable {
  case fixed = 0
  case lowestPriority = 1
  case smi = 2
  case reserved3 = 3
  case nmi = 4
  case initialise = 5
  case reserved6 = 6
  case external = 7

  /// - Parameter bits: three of them.
  init(_ bits: UInt64) { self = DeliveryMode(rawValue: UInt8(bits & 7)) ?? .fixed }

  var isReserved: Bool { self == .reserved3 || self == .reserved6 }

  /// It delivers its vector, and nothing else.
  var isOrdinary: Bool { self == .fixed || self == .lowestPriority }
}
