/// What a device's access does.
enum DMAKind: UInt8, Sendable {
  case read = 0
  case write = 1
  /// An atomic operation.
  case both = 2
  /// The recorder did not say.
  case unknown = 3

  /// What the tables must allow; nothing where the recorder did not say what the access does.
  var needs: Rights {
    switch self {
    case .read: .read
    case .write: .write
    case .both: [.read, .write]
    case .unknown: []
    }
  }

  /// A fault record's type field says so.
  var isRead: Bool { self == .read }
}

/// What a request's address is, by PCIe's AT field.
enum DMAAddressType: UInt8, Sendable {
  case untranslated = 0
  /// The device asks for a translation that it may keep (ATS).
  case translationRequest = 1
  /// The device says that the address is a translation which it was given.
  case translated = 2
}

/// One access of a device, within one 4 KiB page.
struct DMARequest: BitwiseCopyable, Sendable {
  /// A requester's bus 15:8, device 7:3, function 2:0.
  var device: UInt32
  /// Without PASID.
  static let noPASID: UInt32 = .max

  var pasid: UInt32 = noPASID
  var address: UInt64
  /// 0 where the recorder did not say.
  var bytes: UInt32
  var kind: DMAKind
  var addressType: DMAAddressType = .untranslated
  /// The device asks to execute what it reads.
  var executes = false
  /// The device asks with a supervisor's privilege.
  var isPrivileged = false
  /// Of the transfer that the access is part of.
  var place: EventPlace

  var hasPASID: Bool { pasid != Self.noPASID }
}
