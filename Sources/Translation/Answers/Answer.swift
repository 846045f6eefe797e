/// A question about a trace and a machine that one command answers.
public enum Answer: String, CaseIterable, Sendable {
  /// What native, nested, shadow and agile translation cost, side by side.
  case modes
  /// What every page size in either stage would cost.
  case pageSizes = "page-sizes"
  /// What a fifth level in either stage or both would cost.
  case levels
  /// What tags save: PCID and VPID off, and coarse invalidations.
  case tags
  /// Which invalidations caused walks.
  case flushes
  /// Which 2 MiB regions large pages would serve best.
  case regions
  /// Which sets of which TLBs are contended for.
  case conflicts
  /// What kinds of hypervisor make of the same events.
  case hypervisors
  /// What strict, lazy and no invalidation of devices' translations cost, and what each leaves open.
  case invalidation
  /// What devices' interrupts cost without remapping, with it, and posted.
  case interrupts

  /// The question needs tables that this tool makes.
  public var needsSynthesis: Bool { self == .pageSizes || self == .levels || self == .regions }

  /// The question is about devices behind an IOMMU.
  public var needsDevices: Bool { self == .invalidation }
}
