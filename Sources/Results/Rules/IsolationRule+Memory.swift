extension IsolationRule {
  /// What tables map, and how they are changed.
  static let memory = [
    IsolationRule(
      "V20", "Frame that two guests reach", .critical, .both,
      meaning:
        "Second-stage or IOMMU tables of two guests map one host frame that is not declared shared. "
        + "Critical where either may write, low where both only read, as with pages merged for "
        + "saving memory.",
      remedy:
        "Declare the frame shared if it is meant so; otherwise unmap it from the guest that does not "
        + "own it, and flush.",
      reference: "The separation that second-stage translation is for; kernel same-page merging"),
    IsolationRule(
      "V21", "Guest mapping that reaches the hypervisor's own memory", .critical, .both,
      meaning:
        "A guest's tables, or its device's, map frames of the host: page tables of any guest or "
        + "IOMMU, interrupt tables, posted-interrupt descriptors, queues. Critical where they may "
        + "write, high where they only read.",
      remedy: "Unmap the frame at once; whoever can write a table can give itself all of memory.",
      reference: "Intel SDM volume 3C, extended page tables; Intel VT-d specification"),
    IsolationRule(
      "V22", "Page both writable and executable", .medium, .tables,
      meaning:
        "A second-stage page that was declared code or data may be both written and executed by the "
        + "guest, so that written data runs.",
      remedy: "Map code read-only and data without execution in the second stage.",
      reference: "W^X; mode-based execute control for EPT"),
    IsolationRule(
      "V23", "Misuse of a PASID", .high,
      meaning:
        "A request carried a process address space id that the device may not use, that has no "
        + "entry, or that belongs to another process or guest.",
      remedy:
        "Check who may submit with the id; tear down its entry and flush before the process's tables "
        + "are freed.",
      reference:
        "Intel VT-d specification, fault reasons 45h, 46h, 51h and 59h; shared virtual addressing"),
    IsolationRule(
      "V24", "Nested first-stage table outside the guest's memory", .high, .both,
      meaning:
        "A first-stage table pointer of a guest led to a guest-physical address that its second "
        + "stage does not map, or maps to the host's memory. Low where tables alone were looked at and "
        + "the second stage has no such page: memory may be given on demand.",
      remedy:
        "Check the guest's table pointers when it binds them; the second stage must hold every table.",
      reference: "Intel VT-d specification, nested translation, fault reasons 74h to 77h"),
    IsolationRule(
      "V25", "Interrupt doorbell reached as ordinary memory", .high,
      meaning:
        "A translation's output, or a request on a path without remapping, was in the range of "
        + "interrupt messages, so that a DMA write becomes an interrupt.",
      remedy: "Keep the range of interrupt messages out of every domain.",
      reference: "Intel VT-d specification, fault reason 87h; interrupt address range FEEx_xxxxh"),
    IsolationRule(
      "V26", "Flood of DMA or faults", .medium,
      meaning:
        "A device's writes or faults exceeded the machine's limit (isolation.writes and "
        + "isolation.faults of one window), or the fault log overflowed, so that later faults of "
        + "others were hidden.",
      remedy:
        "Set the fault-processing disable bit for the device, or take it off the bus; size the log.",
      reference:
        "CVE-2023-31364: a guest's flood of writes ends in a machine check; Linux rate-limits dmar "
        + "faults"),
    IsolationRule(
      "V27", "Translation structures changed while in use", .medium, .both,
      meaning:
        "A present entry was changed to another present one without going through not-present and an "
        + "invalidation, the root was changed without a global invalidation, or tables hold entries "
        + "with reserved bits: two requests in flight may see different halves.",
      remedy:
        "Clear the entry, invalidate, wait, then write the new one; flush globally after changing "
        + "the root.",
      reference: "Intel VT-d specification, caching and invalidation; seL4 pull request 1729"),
  ]
}
