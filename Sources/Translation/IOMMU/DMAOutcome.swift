import TraceFile

/// What a remapping unit made of one request.
struct DMAOutcome: BitwiseCopyable, Sendable {
  enum Result: UInt8, Sendable, CaseIterable {
    /// Tables gave the address.
    case translated
    /// The device's entry lets its requests pass as they are.
    case passedThrough
    /// The unit does not translate, or not yet.
    case untranslated
    /// A write to the interrupt address range: a message, which no table translates.
    case interrupt
    /// Blocked, for the reason in `fault`.
    case fault
    /// The trace and the image do not have the tables that would decide.
    case unresolved
  }

  enum Lookup: UInt8, Sendable {
    /// The request was decided before the IOTLB.
    case none
    case hit
    case miss
  }

  /// What a code that stands for several faults does not say.
  enum Cause: UInt8, Sendable {
    case unsaid
    /// A table of the first stage, or the way to it, is not where the second stage lets it be read.
    case nestedTable
    /// The device has no such PASID.
    case pasid
  }

  // Larger fields come first, so that no copy moves bytes between them.
  var request: DMARequest
  /// Host-physical; for a translated request without a second stage of its own, what the first gives.
  var output: UInt64 = 0
  /// The leaf entry, as the table or the recorder had it when the translation was filled.
  var leaf: UInt64 = 0
  /// The event whose request filled the entry that was hit; the request's own on a miss.
  var filledAt: UInt64 = 0
  /// Of the tables that translated it, or should have; `EventTag.unknownDomain` where none did.
  var domain: UInt32 = Self.noDomain
  /// Table entries read for it: of the device's structures and of page tables.
  var references: UInt16 = 0
  /// The architecture's code, for `fault`.
  var fault: UInt16 = 0
  var result: Result
  /// The page that the translation covers is 2^`pageShift` bytes.
  var pageShift: UInt8 = 12
  /// Of a fault.
  var cause: Cause = .unsaid
  /// What the tables allow, where the request was translated.
  var rights: Rights = []
  var iotlb: Lookup = .none
  /// Of the cache of context or device-table entries.
  var context: Lookup = .none
  /// The device's entry asks that its faults are not recorded.
  var isFaultSilent = false
  /// The log of faults was full, so that nobody will hear of this one.
  var isFaultLost = false
  /// A first stage took part in the translation: the address is of a PASID's own space.
  var isFirstStage = false
  /// A translated request names a page that the device was given, and that was not taken back.
  var isGranted = false

  static let noDomain = UInt32(EventTag.unknownDomain)

  init(_ request: DMARequest, _ result: Result) {
    self.request = request
    self.result = result
  }
}
