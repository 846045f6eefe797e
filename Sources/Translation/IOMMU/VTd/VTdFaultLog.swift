import Results

/// The fault recording registers.
///
/// A fault goes into the next register, in turn. Where that still holds one, the fault is lost and an
/// overflow is noted, until software clears it.
///
/// Source: Intel VT-d 4.1, "Primary Fault Logging"; collapsing by device as QEMU does it
/// (`vtd_report_dmar_fault`).
struct VTdFaultLog: ~Copyable {
  struct Record: BitwiseCopyable, Equatable {
    var low: UInt64
    var high: UInt64

    var isSet: Bool { high.has(VTdFaultRecordHigh.fault) }
  }

  private let records: UnsafeMutablePointer<Record>
  private let count: Int
  private let collapses: Bool
  private var next = 0
  private var hasOverflow = false
  /// What was recorded last.
  private(set) var last: Record?
  private(set) var recorded = 0
  private(set) var collapsed = 0
  private(set) var overflowed = 0
  private(set) var suppressed = 0

  init(count: Int, collapses: Bool) {
    self.count = count
    self.collapses = collapses
    records = .allocate(capacity: count)
    records.initialize(repeating: Record(low: 0, high: 0), count: count)
  }

  deinit { records.deallocate() }

  /// Records a blocked request.
  ///
  /// - Returns: the register and what it holds now; nothing where the fault is not recorded.
  @discardableResult
  mutating func report(
    _ request: DMARequest, _ code: UInt16, isSilent: Bool
  ) -> (index: Int, record: Record)? {
    report(Self.record(request, code), isSilent: isSilent)
  }

  /// Records what a fault recording register is to hold.
  @discardableResult
  mutating func report(_ record: Record, isSilent: Bool) -> (index: Int, record: Record)? {
    if isSilent {
      suppressed += 1
      return nil
    }
    if hasOverflow {
      overflowed += 1
      return nil
    }
    if collapses {
      for at in 0..<count where records[at].isSet {
        if records[at].high[VTdFaultRecordHigh.source] == record.high[VTdFaultRecordHigh.source] {
          collapsed += 1
          return nil
        }
      }
    }
    guard !records[next].isSet else {
      hasOverflow = true
      overflowed += 1
      return nil
    }
    records[next] = record
    let index = next
    next = (next + 1) % count
    recorded += 1
    last = record
    return (index, record)
  }

  /// What software finds of a fault.
  static func record(_ request: DMARequest, _ code: UInt16) -> Record {
    var high: UInt64 = 0
    high[VTdFaultRecordHigh.fault] = 1
    high[VTdFaultRecordHigh.read] = request.kind.isRead ? 1 : 0
    high[VTdFaultRecordHigh.addressType] = UInt64(request.addressType.rawValue)
    high[VTdFaultRecordHigh.reason] = UInt64(code & 0xff)
    high[VTdFaultRecordHigh.source] = UInt64(request.device & 0xffff)
    if request.hasPASID {
      high[VTdFaultRecordHigh.hasPASID] = 1
      high[VTdFaultRecordHigh.pasid] = UInt64(request.pasid & 0xf_ffff)
    }
    return Record(low: request.address & VTdFaultRecordLow.address.mask, high: high)
  }

  /// What software finds of a blocked interrupt: FI has the index in bits 63:48.
  ///
  /// Model: where the trace does not say which device sent the message, SID is 0; for a blocked message
  /// in compatibility format, whose FI is undefined, FI is 0.
  ///
  /// Source: Intel VT-d 4.1, "Fault Recording Registers"; Linux 6.12 drivers/iommu/intel/dmar.c,
  /// `dmar_fault_do_one`, prints that part of FI as the index.
  static func record(_ outcome: InterruptOutcome) -> Record {
    var high: UInt64 = 0
    high[VTdFaultRecordHigh.fault] = 1
    high[VTdFaultRecordHigh.reason] = UInt64(outcome.fault & 0xff)
    let message = outcome.message
    high[VTdFaultRecordHigh.source] = message.hasDevice ? UInt64(message.device & 0xffff) : 0
    let hasIndex = outcome.index != InterruptOutcome.noIndex
    return Record(low: hasIndex ? UInt64(outcome.index & 0xffff) << 48 : 0, high: high)
  }

  /// Software clears a register's fault.
  mutating func clear(_ index: Int) {
    if index < count { records[index].high &= ~VTdFaultRecordHigh.fault.mask }
  }

  mutating func clearOverflow() { hasOverflow = false }

  /// Translation is switched off.
  mutating func restart() { next = 0 }

  func addCounters(to result: inout RunResult) {
    result.counters["iommu.faultLog.recorded"] = recorded
    result.counters["iommu.faultLog.collapsed"] = collapsed
    result.counters["iommu.faultLog.overflowed"] = overflowed
    result.counters["iommu.faultLog.suppressed"] = suppressed
  }

  var reported: Int { recorded + collapsed + overflowed + suppressed }
}
