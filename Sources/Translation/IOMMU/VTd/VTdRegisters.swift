/// The registers of a VT-d unit that decide how requests translate.
///
/// Source: Intel VT-d 4.1, "Register Descriptions"; the fault and IOTLB registers stand where the
/// capability registers say, and here where QEMU has them: 220h and 0F0h.
struct VTdRegisters: BitwiseCopyable {
  enum Offset {
    static let globalCommand: UInt64 = 0x18
    static let rootTable: UInt64 = 0x20
    static let contextCommand: UInt64 = 0x28
    static let faultStatus: UInt64 = 0x34
    static let invalidateAddress: UInt64 = 0xf0
    static let iotlbInvalidate: UInt64 = 0xf8
    static let faultRecords: UInt64 = 0x220
  }

  enum GlobalCommand {
    static let translation: UInt64 = 1 << 31  // TE
    static let setRoot: UInt64 = 1 << 30  // SRTP
    static let queuedInvalidation: UInt64 = 1 << 26  // QIE
  }

  /// Whether requests are translated; nothing while the trace has not said, and then its tables decide.
  var isEnabled: Bool?
  /// What SRTP took from the register, or the description; nothing while nobody said.
  var root: UInt64?
  /// RTADDR_REG as it was written, for SRTP to take.
  var rootAddress: UInt64 = 0
  var invalidateAddress: UInt64 = 0
  /// Halves of CCMD_REG and IOTLB_REG that were written with 32 bits.
  var contextCommand: UInt64 = 0
  var iotlbCommand: UInt64 = 0

  init(rootTable: UInt64?, isScalable: Bool) {
    // TTM 01b is scalable mode.
    root = rootTable.map { $0 | (isScalable ? 1 << 10 : 0) }
  }

  /// TTM: 0 legacy, 1 scalable, 3 abort.
  static func mode(of root: UInt64) -> UInt64 { root[VTdRootAddress.mode] }

  /// Puts a write of 4 or 8 bytes into a register of 8.
  static func merge(
    _ old: UInt64, _ offset: UInt64, from start: UInt64, bytes: UInt64, _ value: UInt64
  ) -> UInt64 {
    if bytes >= 8 { return value }
    let shift = 8 * (offset - start)
    let mask: UInt64 = 0xffff_ffff << shift
    return old & ~mask | (value << shift) & mask
  }
}

extension VTdUnit {
  mutating func write(
    register offset: UInt64, bytes: UInt64, _ value: UInt64, at place: EventPlace
  ) {
    typealias Offset = VTdRegisters.Offset
    switch offset {
    case Offset.globalCommand: writeGlobalCommand(value, at: place)
    case Offset.rootTable, Offset.rootTable + 4:
      registers.rootAddress = VTdRegisters.merge(
        registers.rootAddress, offset, from: Offset.rootTable, bytes: bytes, value)
    case Offset.contextCommand, Offset.contextCommand + 4:
      registers.contextCommand = VTdRegisters.merge(
        registers.contextCommand, offset, from: Offset.contextCommand, bytes: bytes, value)
      runContextCommand(at: place)
    case Offset.invalidateAddress, Offset.invalidateAddress + 4:
      registers.invalidateAddress = VTdRegisters.merge(
        registers.invalidateAddress, offset, from: Offset.invalidateAddress, bytes: bytes, value)
    case Offset.iotlbInvalidate, Offset.iotlbInvalidate + 4:
      registers.iotlbCommand = VTdRegisters.merge(
        registers.iotlbCommand, offset, from: Offset.iotlbInvalidate, bytes: bytes, value)
      runIOTLBCommand(at: place)
    case Offset.faultStatus:
      // Written ones clear: PFO is bit 0.
      if value & 1 != 0 { faults.clearOverflow() }
    case Offset.faultRecords...:
      let place = offset - Offset.faultRecords
      let isTop = bytes >= 8 ? place % 16 == 8 : place % 16 == 12
      let isClear = bytes >= 8 ? value >> 63 == 1 : value >> 31 & 1 == 1
      if isTop, isClear { faults.clear(Int(truncatingIfNeeded: min(place / 16, 1 << 20))) }
    default: break
    }
  }

  /// SRTP takes a new root table, and TE switches translation on or off; either makes the caches empty.
  ///
  /// Model: hardware keeps its caches over SRTP until software invalidates them all, which it must
  /// before it relies on the new table; QEMU drops them, and so does this.
  private mutating func writeGlobalCommand(_ value: UInt64, at place: EventPlace) {
    let enables = value & VTdRegisters.GlobalCommand.translation != 0
    if registers.isEnabled != enables {
      let wasKnown = registers.isEnabled != nil
      registers.isEnabled = enables
      if !enables { faults.restart() }
      if wasKnown || enables { dropAll(at: place) }
    }
    if value & VTdRegisters.GlobalCommand.setRoot != 0 {
      registers.root = registers.rootAddress
      dropAll(at: place)
    }
  }

  /// Empties every cache of translations and structures.
  private mutating func dropAll(at place: EventPlace) {
    for cache in [IOInvalidation.Cache.context, .pasid, .iotlb] {
      apply(IOInvalidation(cache, .global, at: place))
    }
  }

  /// Source: Intel VT-d 4.1, "Context Command Register": ICC 63, CIRG 62:61, FM 33:32, SID 31:16,
  /// DID 15:0.
  private mutating func runContextCommand(at place: EventPlace) {
    let value = registers.contextCommand
    guard value >> 63 == 1 else { return }
    registers.contextCommand &= ~(1 << 63)
    var low: UInt64 = 1
    low[VTdContextDescriptorLow.granularity] = value >> 61 & 3
    low[VTdContextDescriptorLow.functionMask] = value >> 32 & 3
    low[VTdContextDescriptorLow.source] = value >> 16 & 0xffff
    low[VTdContextDescriptorLow.domain] = value & 0xffff
    if let invalidation = invalidation(of: IOCommand(word0: low, word1: 0), at: place) {
      apply(invalidation)
    }
  }

  /// Source: Intel VT-d 4.1, "IOTLB Invalidate Register": IVT 63, IIRG 61:60, DID 47:32; and
  /// "Invalidate Address Register": ADDR 63:12, IH 6, AM 5:0.
  private mutating func runIOTLBCommand(at place: EventPlace) {
    let value = registers.iotlbCommand
    guard value >> 63 == 1 else { return }
    registers.iotlbCommand &= ~(1 << 63)
    var low: UInt64 = 2
    low[VTdIOTLBDescriptorLow.granularity] = value >> 60 & 3
    low[VTdIOTLBDescriptorLow.domain] = value >> 32 & 0xffff
    let command = IOCommand(word0: low, word1: registers.invalidateAddress)
    if let invalidation = invalidation(of: command, at: place) { apply(invalidation) }
  }
}
