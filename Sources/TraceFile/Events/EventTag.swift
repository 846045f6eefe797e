/// What happened between two records.
///
/// A number is never reused. `fields` is what the event's words mean, in order; a later version may
/// add words at the end, and words that are not written are 0.
public enum EventTag: UInt16, CaseIterable, Sendable {
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

  /// A write of one entry, at the physical address of its stage.
  case tableWrite = 48
  /// Software maps a range of one stage.
  case map = 49
  /// Software unmaps a range of one stage.
  case unmap = 50
  /// Software changes what a range of one stage allows.
  case protect = 51

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
    }
  }

  /// How many words the event has, besides a name's text.
  var fieldCount: Int { Int(Self.fieldCounts[Int(rawValue)]) }

  /// By tag; a tag that this version does not know has none.
  private static let fieldCounts: [UInt8] = {
    var counts = [UInt8](repeating: 0, count: 256)
    for tag in allCases { counts[Int(tag.rawValue)] = UInt8(tag.fields.count) }
    return counts
  }()

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
