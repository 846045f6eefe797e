// Layouts of VT-d's interrupt remapping, as
// - Intel Virtualization Technology for Directed I/O, Architecture Specification, "Interrupt Remapping";
// - Linux 6.12, include/linux/dmar.h (`struct irte`) and arch/x86/include/asm/msi.h
// give them. Both were compared for every field.

/// The address of an interrupt request in remappable format.
///
/// Source: VT-d specification, "Interrupt Requests in Remappable Format"; Linux
/// arch/x86/include/asm/msi.h, `dmar_format`.
struct VTdRemappableAddress: HardwareWord {
  var rawValue: UInt64

  static let high = BitRange(63, 32)  // must be zero
  static let range = BitRange(31, 20)  // 0xFEE
  static let handleLow = BitRange(19, 5)  // interrupt_index[14:0]
  static let format = BitRange(4)  // 1: remappable
  static let hasSubhandle = BitRange(3)  // SHV
  static let handleHigh = BitRange(2)  // interrupt_index[15]
  static let ignored = BitRange(1, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("high", high), ("range", range), ("handleLow", handleLow), ("format", format),
      ("hasSubhandle", hasSubhandle), ("handleHigh", handleHigh), ("ignored", ignored),
    ]
  }
}

/// What a request in remappable format writes.
///
/// Without a subhandle an I/O APIC writes its vector and trigger mode here, which the unit ignores.
///
/// Source: VT-d specification, "Interrupt Requests in Remappable Format".
struct VTdRemappableData: HardwareWord {
  var rawValue: UInt64

  static let beyond = BitRange(63, 32)  // the write has 32 bits
  static let reserved = BitRange(31, 16)  // must be zero with SHV
  static let subhandle = BitRange(15, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [("beyond", beyond), ("reserved", reserved), ("subhandle", subhandle)]
  }
}

/// The address of an interrupt message in the format that processors understand.
///
/// Source: Intel SDM volume 3A, June 2016, "Message Address Register Format"; bits 11:5 carry more of
/// the destination in an extension that KVM and Hyper-V share.
struct CompatibilityAddress: HardwareWord {
  var rawValue: UInt64

  static let high = BitRange(63, 32)
  static let range = BitRange(31, 20)  // 0xFEE
  static let destination = BitRange(19, 12)
  static let destinationHigh = BitRange(11, 5)  // destination 14:8
  static let format = BitRange(4)  // 0: compatibility
  static let redirectionHint = BitRange(3)  // RH
  static let destinationMode = BitRange(2)  // DM: 1 logical
  static let ignored = BitRange(1, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("high", high), ("range", range), ("destination", destination),
      ("destinationHigh", destinationHigh), ("format", format),
      ("redirectionHint", redirectionHint), ("destinationMode", destinationMode),
      ("ignored", ignored),
    ]
  }
}

/// What such a message writes.
///
/// Source: Intel SDM volume 3A, June 2016, "Message Data Register Format".
struct CompatibilityData: HardwareWord {
  var rawValue: UInt64

  static let beyond = BitRange(63, 32)
  static let reserved = BitRange(31, 16)
  static let trigger = BitRange(15)  // 1: level
  static let level = BitRange(14)  // 1: assert
  static let reservedLow = BitRange(13, 11)
  static let deliveryMode = BitRange(10, 8)
  static let vector = BitRange(7, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("beyond", beyond), ("reserved", reserved), ("trigger", trigger), ("level", level),
      ("reservedLow", reservedLow), ("deliveryMode", deliveryMode), ("vector", vector),
    ]
  }
}

/// Bits 63:0 of an interrupt remapping table entry that remaps (IM 0).
///
/// Source: VT-d specification, "Interrupt Remapping Table Entry (IRTE) for Remapped Interrupts".
struct VTdRemappedEntryLow: HardwareWord {
  var rawValue: UInt64

  static let destination = BitRange(63, 32)  // DST; xAPIC uses 47:40
  static let reservedHigh = BitRange(31, 24)
  static let vector = BitRange(23, 16)  // V
  static let mode = BitRange(15)  // IM: 0 remapped, 1 posted
  static let reserved = BitRange(14, 12)
  static let available = BitRange(11, 8)  // AVAIL
  static let deliveryMode = BitRange(7, 5)  // DLM
  static let trigger = BitRange(4)  // TM: 1 level
  static let redirectionHint = BitRange(3)  // RH
  static let destinationMode = BitRange(2)  // DM: 1 logical
  static let faultDisable = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("destination", destination), ("reservedHigh", reservedHigh), ("vector", vector),
      ("mode", mode), ("reserved", reserved), ("available", available),
      ("deliveryMode", deliveryMode), ("trigger", trigger), ("redirectionHint", redirectionHint),
      ("destinationMode", destinationMode), ("faultDisable", faultDisable), ("present", present),
    ]
  }

  /// DST as xAPIC has it.
  static let destinationXAPIC = BitRange(47, 40)
}

/// Bits 63:0 of an entry that posts (IM 1).
///
/// Source: VT-d specification, "Interrupt Remapping Table Entry (IRTE) for Posted Interrupts".
struct VTdPostedEntryLow: HardwareWord {
  var rawValue: UInt64

  static let descriptorLow = BitRange(63, 38)  // PDA-L: descriptor address 31:6
  static let reservedHigh = BitRange(37, 24)
  static let vector = BitRange(23, 16)  // VV
  static let mode = BitRange(15)  // IM
  static let urgent = BitRange(14)  // URG
  static let reserved = BitRange(13, 12)
  static let available = BitRange(11, 8)  // AVAIL
  static let reservedLow = BitRange(7, 2)
  static let faultDisable = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("descriptorLow", descriptorLow), ("reservedHigh", reservedHigh), ("vector", vector),
      ("mode", mode), ("urgent", urgent), ("reserved", reserved), ("available", available),
      ("reservedLow", reservedLow), ("faultDisable", faultDisable), ("present", present),
    ]
  }
}

/// Bits 127:64 of either kind of entry; the descriptor's upper half is reserved where it remaps.
///
/// Source: as the lower halves.
struct VTdEntryHigh: HardwareWord {
  var rawValue: UInt64

  static let descriptorHigh = BitRange(63, 32)  // 127:96, PDA-H: descriptor address 63:32
  static let reserved = BitRange(31, 20)  // 95:84
  static let validation = BitRange(19, 18)  // 83:82, SVT
  static let qualifier = BitRange(17, 16)  // 81:80, SQ
  static let source = BitRange(15, 0)  // 79:64, SID
  /// SID where SVT says a range of buses.
  static let startBus = BitRange(15, 8)
  static let endBus = BitRange(7, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("descriptorHigh", descriptorHigh), ("reserved", reserved), ("validation", validation),
      ("qualifier", qualifier), ("source", source),
    ]
  }
}

/// The interrupt remapping table address register.
///
/// Source: VT-d specification, "Interrupt Remapping Table Address Register".
struct VTdInterruptTableAddress: HardwareWord {
  var rawValue: UInt64

  static let base = BitRange(63, 12)  // IRTA
  static let extended = BitRange(11)  // EIME: 32-bit destinations
  static let reserved = BitRange(10, 4)
  static let size = BitRange(3, 0)  // S: 2^(S+1) entries

  static var layout: [(name: String, bits: BitRange)] {
    [("base", base), ("extended", extended), ("reserved", reserved), ("size", size)]
  }
}

/// Bits 63:0 of an interrupt entry cache invalidation descriptor; the rest is reserved.
///
/// Source: VT-d specification, "Interrupt Entry Cache Invalidate Descriptor"; Linux
/// include/linux/dmar.h, `QI_IEC_*`.
struct VTdEntryInvalidation: HardwareWord {
  var rawValue: UInt64

  static let type: UInt64 = 4

  static let reservedHigh = BitRange(63, 48)
  static let index = BitRange(47, 32)  // IIDX
  static let mask = BitRange(31, 27)  // IM: 2^IM entries
  static let reserved = BitRange(26, 5)
  static let isSelective = BitRange(4)  // G: 0 global
  static let kind = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedHigh", reservedHigh), ("index", index), ("mask", mask), ("reserved", reserved),
      ("isSelective", isSelective), ("kind", kind),
    ]
  }
}

/// An I/O APIC's redirection table entry in remappable format.
///
/// Source: VT-d specification, "I/OxAPIC Programming"; Linux arch/x86/include/asm/io_apic.h.
struct RemappableRedirectionEntry: HardwareWord {
  var rawValue: UInt64

  static let indexLow = BitRange(63, 49)  // interrupt_index[14:0]
  static let format = BitRange(48)  // 1: remappable
  static let reserved = BitRange(47, 17)
  static let mask = BitRange(16)
  static let trigger = BitRange(15)  // must be the IRTE's
  static let remoteIRR = BitRange(14)
  static let polarity = BitRange(13)
  static let deliveryStatus = BitRange(12)
  static let indexHigh = BitRange(11)  // interrupt_index[15]
  static let zero = BitRange(10, 8)
  static let vector = BitRange(7, 0)  // must be the IRTE's

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("indexLow", indexLow), ("format", format), ("reserved", reserved), ("mask", mask),
      ("trigger", trigger), ("remoteIRR", remoteIRR), ("polarity", polarity),
      ("deliveryStatus", deliveryStatus), ("indexHigh", indexHigh), ("zero", zero),
      ("vector", vector),
    ]
  }

  /// The message that the I/O APIC sends for it.
  var message: (address: UInt64, data: UInt64) {
    var address: UInt64 = 0xfee0_0000
    address[VTdRemappableAddress.handleLow] = rawValue[Self.indexLow]
    address[VTdRemappableAddress.handleHigh] = rawValue[Self.indexHigh]
    address[VTdRemappableAddress.format] = rawValue[Self.format]
    var data = rawValue[Self.vector]
    data[CompatibilityData.trigger] = rawValue[Self.trigger]
    return (address, data)
  }
}
