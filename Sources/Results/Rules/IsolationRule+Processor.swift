extension IsolationRule {
  /// Rules about what processors have cached.
  static let processor = [
    IsolationRule(
      "C1", "Use of a translation that the guest's tables no longer have", .medium,
      meaning:
        "An access was served by a TLB or walk cache whose entry differs from the first stage's "
        + "tables as they are now: they were changed, and no invalidation reached the entry. The "
        + "guest itself may read or write a page that it has given away.",
      remedy:
        "Follow each change that takes something away by INVLPG, INVPCID or a CR3 load that "
        + "flushes, on every processor that may have used it.",
      reference:
        "Intel SDM volume 3A, Operations that Invalidate TLBs and Paging-Structure Caches"),
    IsolationRule(
      "C2", "Use of a translation that the hypervisor's tables no longer have", .critical,
      meaning:
        "As C1, for the second stage: a guest still reaches a host frame that the hypervisor has "
        + "taken from it or protected, which may belong to another guest by now.",
      remedy:
        "Follow each change that takes something away by INVEPT of the root, or on AMD by a flush "
        + "of the ASID, on every processor that ran the guest.",
      reference: "Intel SDM volume 3C, Guidelines for Use of the INVEPT Instruction"),
  ]
}
