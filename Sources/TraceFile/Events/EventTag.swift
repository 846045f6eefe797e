/// What happened between two records.
///
/// A number is never reused. `fields` is what the event's words mean, in order; a later version may
/// add words at the end, and words that are not written are 0.
public enum EventTag: UInt16, CaseIterable, BitwiseCopyable, Sendable {
  // Of the trace itself: 1 to 15.

  /// The time of the events and records that follow, until the next one.
  case time = 1
  /// A place that the trace's producer marked, such as the end of warming up.
  case marker = 2
  /// Events that the producer knows to have lost here.
  case lost = 3
  /// A name for a number of some kind; its text follows in eight bytes a word.
  case name = 4

  // The state of a virtual processor: 16 to 31.

  /// A virtual processor's control structure: what it runs and under which tags.
  case vcpuDefine = 16
  /// The virtual processor begins to run on a core.
  case vcpuIn = 17
  /// The virtual processor stops running on its core.
  case vcpuOut = 18
  /// VM entry or VMRUN.
  case vmEntry = 19
  /// VM exit or #VMEXIT, by the number that the architecture gives its reason.
  case vmExit = 20
  /// MOV to CR3.
  case cr3 = 21
  /// A write to another register that decides how addresses translate.
  case control = 22
  /// The privilege of the accesses that follow.
  case privilege = 23
  /// An event that a hypervisor may intercept (CPUID, HLT, I/O, MSR, ...), by exit reason.
  case sensitive = 24
  /// A second-stage fault that the hypervisor handles, by the architecture's error code.
  case secondStageFault = 25

  // Invalidations by a processor: 32 to 47.

  case invlpg = 32
  case invpcid = 33
  case invept = 34
  case invvpid = 35
  case invlpga = 36
  case tlbControl = 37
  /// A page fault that was delivered to the guest.
  case pageFault = 38

  // Changes of page tables: 48 to 63.

  /// A write of one entry, at the physical address of its stage: guest-physical for stage 1,
  /// host-physical for stage 2, and for 0 any word of host memory, such as an IOMMU's tables.
  case tableWrite = 48
  /// Software maps a range of one stage.
  case map = 49
  /// Software unmaps a range of one stage.
  case unmap = 50
  /// Software changes what a range of one stage allows.
  case protect = 51

  // DMA and IOMMUs: 64 to 95. A device is a requester's bus 15:8, device 7:3, function 2:0, or a
  // StreamID; a domain that the trace does not know is `unknownDomain`; a PASID is one more than its
  // number, 0 for none.

  /// A device's access. `kind` is 0 read, 1 write, 2 both, 3 unknown, and in bits 3:2 PCIe's AT field
  /// (0 untranslated, 1 translation request, 2 translated), in bit 4 that it executes, in bit 5 that it
  /// is a supervisor's; 0 bytes where the length is unknown; `issued` is the time at which software
  /// gave the command, 0 where the recorder does not say.
  case dma = 64
  /// What the recorder saw of the last `dma` of this device and address: `hit` is 1 for a hit of the
  /// IOTLB, 0 for a miss that was filled, 2 where it does not say; `entry` is the leaf, `output` where
  /// its page begins and `mask` its size less one, each 0 where the recorder does not say.
  case recordedTranslation = 65
  /// A fault that the recorder logged, by the architecture's code.
  case recordedFault = 66
  /// What the recorder saw of the context or device-table cache: `hit` as above, the entry's words.
  case recordedContext = 67
  /// A fault that went into a fault recording register, as it stands there.
  case faultRecord = 68
  /// The recorder dropped a whole cache for a reason of its own: 0 the IOTLB, 1 the context cache.
  case recordedReset = 69
  /// An entry of an IOMMU's invalidation or command queue, raw.
  case iommuCommand = 70
  /// A write of an IOMMU's register.
  case iommuRegister = 71
  /// Software maps a range of a domain.
  case iommuMap = 72
  /// Software unmaps a range of a domain.
  case iommuUnmap = 73
  /// A device (or one of its PASIDs) begins to translate by a domain; `unit` is one more than the
  /// number of the IOMMU that the device is behind, 0 where the trace does not say.
  case attach = 74
  /// A device (or one of its PASIDs) stops translating by a domain.
  case detach = 75
  /// The waits queued so far have completed.
  case iommuCompletion = 76
  /// Frames belong to a guest, 0 for the host; `shared` frames may be reached by others.
  case frameOwner = 77
  /// A domain belongs to a guest, 0 for the host.
  case domainOwner = 78
  /// A device is assigned to a guest, 0 for the host; `group` is its isolation group.
  case deviceOwner = 79
  /// An address translation service completion that a device got.
  case translationCompletion = 80
  /// A device asks for a page.
  case pageRequest = 81
  /// A driver maps a buffer for a device; `direction` is 1 to the device, 2 from it, 3 both.
  case dmaMap = 82
  /// A driver unmaps a buffer.
  case dmaUnmap = 83
  /// A device answers to a range of the addresses that requests name: its registers or memory.
  case deviceRegion = 84

  // Interrupts: 96 to 127.

  /// A device's interrupt message: a write of `data` to `address`; the device may be
  /// `unknownDevice`.
  case interruptMessage = 96
  /// A write of an interrupt remapping entry.
  case interruptEntry = 97
  /// An entry that the recorder saw read.
  case recordedEntry = 98
  /// What the recorder saw an interrupt become.
  case recordedInterrupt = 99
  /// An interrupt entry belongs to a guest, 0 for the host; for AMD-Vi `unit` is the device whose
  /// table it stands in.
  case entryOwner = 100
  /// A posted-interrupt descriptor, or for AMD-Vi a guest's tag, belongs to a virtual processor.
  case postedDefine = 101
  /// Software writes a descriptor's control word: ON 0, SN 1, NV 23:16, NDST 63:32.
  case postedControl = 102
  /// Software posts a vector: it sets the bit in a descriptor's requests.
  case postedRequest = 103
  /// Software binds a host interrupt to a virtual processor's vector, or unbinds it (`isSet` 0).
  case postedRoute = 104
  /// A core's interrupt controller takes a vector, as the recorder saw it; the core is `unknownCore`
  /// where only the message's destination is known, and that follows.
  case interruptDelivery = 105
  /// A hypervisor injects a vector into a virtual processor at its next entry.
  case interruptInjection = 106
  /// A virtual processor's controller accepts a vector; `posted` where no exit was needed.
  case interruptAccept = 107
  /// Software moves an interrupt to a vector of a core.
  case vectorUpdate = 108
  /// Software programs an interrupt's vector and destination.
  case vectorConfig = 109
  /// The handler of an interrupt runs on a core.
  case interruptHandler = 110
  /// A virtual processor that was blocked is woken.
  case vcpuWake = 111
  /// AMD-Vi logs that a guest's interrupt found its virtual processor not running.
  case guestInterruptLog = 112
  /// Software sends an interrupt message of its own, such as from an emulated device.
  case softwareInterrupt = 113
  /// The recorder's unit stopped the interrupt message before it; `code` is the architecture's, 0
  /// where the recorder does not say.
  case recordedBlock = 114

  /// The words of the event, in order.
  public var fields: [String] {
    switch self {
    case .time: ["nanoseconds"]
    case .marker: ["value"]
    case .lost: ["count"]
    case .name: ["kind", "id", "length"]
    case .vcpuDefine: ["vcpu", "guest", "tag", "secondRoot", "cr3"]
    case .vcpuIn: ["vcpu", "core"]
    case .vcpuOut: ["vcpu", "core", "blocked"]
    case .vmEntry: ["vcpu"]
    case .vmExit: ["vcpu", "reason", "qualification", "address"]
    case .cr3: ["value", "noFlush"]
    case .control: ["register", "value"]
    case .privilege: ["level", "alignmentCheck"]
    case .sensitive: ["reason"]
    case .secondStageFault: ["vcpu", "address", "errorCode", "instruction"]
    case .invlpg: ["address"]
    case .invpcid: ["type", "pcid", "address"]
    case .invept: ["type", "root"]
    case .invvpid: ["type", "vpid", "address"]
    case .invlpga: ["address", "asid"]
    case .tlbControl: ["code", "asid"]
    case .pageFault: ["address", "errorCode"]
    case .tableWrite: ["stage", "address", "value"]
    case .map: ["stage", "address", "bytes", "rights", "output"]
    case .unmap: ["stage", "address", "bytes"]
    case .protect: ["stage", "address", "bytes", "rights"]
    case .dma: ["device", "address", "bytes", "kind", "pasid", "issued"]
    case .recordedTranslation:
      ["device", "address", "hit", "entry", "domain", "output", "mask"]
    case .recordedFault: ["device", "code", "address", "isWrite"]
    case .recordedContext: ["device", "hit", "word0", "word1"]
    case .faultRecord: ["unit", "index", "low", "high"]
    case .recordedReset: ["unit", "cache"]
    case .iommuCommand: ["unit", "word0", "word1", "word2", "word3"]
    case .iommuRegister: ["unit", "offset", "bytes", "value"]
    case .iommuMap: ["domain", "address", "output", "bytes", "rights"]
    case .iommuUnmap: ["domain", "address", "bytes"]
    case .attach, .detach: ["device", "domain", "pasid", "unit"]
    case .iommuCompletion: ["unit"]
    case .frameOwner: ["guest", "frame", "frames", "shared"]
    case .domainOwner: ["domain", "guest"]
    case .deviceOwner: ["device", "guest", "group"]
    case .translationCompletion: ["device", "address", "output", "bytes", "rights", "pasid"]
    case .pageRequest: ["device", "address", "rights", "group", "pasid"]
    case .dmaMap: ["device", "address", "output", "bytes", "direction"]
    case .dmaUnmap: ["device", "address", "bytes"]
    case .deviceRegion: ["device", "address", "bytes"]
    case .interruptMessage: ["device", "address", "data"]
    case .interruptEntry: ["unit", "index", "low", "high"]
    case .recordedEntry: ["index", "low", "high"]
    case .recordedInterrupt: ["index", "vector", "destination", "deliveryMode", "trigger", "mode"]
    case .entryOwner: ["unit", "index", "guest"]
    case .postedDefine: ["address", "vcpu", "guest"]
    case .postedControl: ["address", "control"]
    case .postedRequest: ["address", "vector"]
    case .postedRoute: ["isSet", "interrupt", "vcpu", "guestInterrupt", "vector", "address"]
    case .interruptDelivery:
      ["core", "vector", "destination", "mode", "deliveryMode", "trigger"]
    case .interruptInjection: ["vcpu", "vector"]
    case .interruptAccept: ["vcpu", "vector", "deliveryMode", "posted"]
    case .vectorUpdate: ["interrupt", "vector", "core", "previousVector", "previousCore"]
    case .vectorConfig: ["interrupt", "vector", "core", "destination"]
    case .interruptHandler: ["core", "interrupt"]
    case .vcpuWake: ["vcpu", "nanoseconds", "polled"]
    case .guestInterruptLog: ["guest", "vcpu"]
    case .softwareInterrupt: ["destination", "vector", "deliveryMode", "trigger"]
    case .recordedBlock: ["code"]
    }
  }

  /// How many words the event has, besides a name's text.
  var fieldCount: Int { Int(Self.known[Int(rawValue)].fields) }

  /// A tag of this version and how many fields it has; nothing where no event has the number.
  struct Known: BitwiseCopyable {
    var tag: EventTag?
    var fields: UInt8 = 0
  }

  /// Numbers that tags may have.
  static let limit = 256

  /// By number, for readers of many events; never written after it is made, and never freed.
  nonisolated(unsafe) static let known: UnsafePointer<Known> = {
    let table = UnsafeMutablePointer<Known>.allocate(capacity: limit)
    table.initialize(repeating: Known(), count: limit)
    for tag in allCases {
      table[Int(tag.rawValue)] = Known(tag: tag, fields: UInt8(tag.fields.count))
    }
    return UnsafePointer(table)
  }()

  /// The event changes how a processor's accesses translate.
  public var isOfProcessor: Bool { (16..<64).contains(rawValue) }

  /// The domain of an event whose producer does not know it.
  public static let unknownDomain: UInt64 = 0xffff_ffff

  /// The device of an event whose producer does not know it.
  public static let unknownDevice: UInt64 = 0xffff_ffff

  /// The core of an event whose producer does not know it.
  public static let unknownCore: UInt64 = 0xffff_ffff

  /// The index of an interrupt that no entry remapped.
  public static let unknownIndex: UInt64 = 0xffff_ffff

  /// The case of that name.
  init?(name: Substring) {
    guard let tag = Self.byName[name] else { return nil }
    self = tag
  }

  private static let byName: [Substring: EventTag] = Dictionary(
    uniqueKeysWithValues: allCases.map { (Substring("\($0)"), $0) })

  /// Every event's name.
  static var names: [String] { allCases.map { "\($0)" } }
}
