extension IsolationRule {
  /// What devices may reach by DMA.
  static let dma = [
    IsolationRule(
      "V1", "DMA to an address that is not mapped", .medium,
      meaning:
        "A device used an address that its domain does not map, and the IOMMU blocked it: a driver "
        + "that gave the device a stale or wrong address, a device that runs past its buffer, or one "
        + "that probes.",
      remedy:
        "Compare the address with the driver's last map and unmap of it; a DMA just after an unmap "
        + "is a race in the driver, one far from every mapping a stray pointer or an attack.",
      reference:
        "Intel VT-d specification, fault reasons 05h, 06h and 07h; AMD I/O Virtualization Technology "
        + "specification, IO_PAGE_FAULT"),
    IsolationRule(
      "V2", "DMA that its mapping does not permit", .medium,
      meaning:
        "The address is mapped, but not for this direction: a write to a read-only buffer or a read "
        + "of a write-only one. It was blocked.",
      remedy:
        "Look at the direction that the driver gave when it mapped the buffer; devices also read "
        + "descriptors that they only write back.",
      reference: "Intel VT-d specification, fault reasons 05h and 06h"),
    IsolationRule(
      "V3", "DMA outside the memory of the domain's owner", .critical,
      meaning:
        "A translation succeeded and led to a frame that belongs neither to the guest that owns the "
        + "device's domain nor to memory that is shared with it.",
      remedy:
        "Take the mapping out of the domain and flush it; find which map made it, or which frame "
        + "changed hands while it was mapped.",
      reference: "XSA-386, CVE-2021-28702: I/O page tables freed while a device still used them"),
    IsolationRule(
      "V4", "Requester without a context", .high,
      meaning:
        "A request carried a requester id for which the IOMMU has no valid context: an unassigned "
        + "device, a phantom function, or an alias behind a bridge that nobody declared.",
      remedy:
        "Give the id a context if it is an alias or phantom function of a known device; otherwise "
        + "find out who sends with it.",
      reference: "Intel VT-d specification, fault reasons 01h to 03h; PCIe bridges, requester ids"),
    IsolationRule(
      "V5", "Translated request that no translation backs", .critical,
      meaning:
        "A device marked a request as already translated although the IOMMU never gave it that "
        + "translation, or had taken it back, or does not let the device cache translations. "
        + "Such a request passes unchecked.",
      remedy:
        "Keep ATS off for devices that are not trusted; where it is on, check that unmapping waits "
        + "for the device TLB's invalidation.",
      reference:
        "Thunderclap, NDSS 2019; PCIe Address Translation Services; Linux keeps ATS off for "
        + "untrusted devices"),
    IsolationRule(
      "V6", "DMA through a stale translation", .high,
      meaning:
        "The address had been unmapped, but the invalidation of the IOTLB had not completed, and the "
        + "device still reached the frame: the window that deferred invalidation leaves open. "
        + "Critical where the frame had a new owner by then.",
      remedy:
        "Invalidate strictly for devices that are not trusted, or shorten the queue's time; keep "
        + "unmapped buffers from being reused until their flush.",
      reference:
        "IOMMU-DIV, DATE 2024; True IOMMU Protection from DMA Attacks, ASPLOS 2016; Linux flush "
        + "queue: 256 entries a CPU or 10 ms"),
    IsolationRule(
      "V7", "Invalidation that is missing", .critical,
      meaning:
        "A range was unmapped, and before its address was mapped to something else, or its frame "
        + "given to another owner, no invalidation covered it: not in domain, address or mask, or "
        + "it kept non-leaf entries although tables changed.",
      remedy:
        "Compare the invalidations after the unmap with its range: domain, address mask, the hint "
        + "that only leaves changed, and device TLBs.",
      reference:
        "XSA-275: insufficient TLB flushing with AMD IOMMUs; XSA-442, CVE-2023-34326: missing IOMMU "
        + "TLB flushing; CVE-2013-4592: pages of a moved memory slot stay mapped"),
    IsolationRule(
      "V8", "DMA across reassignment", .critical,
      meaning:
        "A device that was moved to another domain completed DMA which was set up before, or was "
        + "served from a translation of its former domain: the old owner's request lands in the new "
        + "owner's memory.",
      remedy:
        "Reset the device and drain its requests between detaching and attaching; flush its context "
        + "and its former domain's IOTLB entries.",
      reference: "Deferred DMA attack on static partitioning hypervisors, 2025"),
    IsolationRule(
      "V9", "Mapping that shares its page with other data", .medium,
      meaning:
        "A buffer that is not whole pages was mapped, so the device reaches what else lies on its "
        + "first and last page. Medium where a second buffer of another device or direction lies "
        + "there, else low: exposure without a known victim.",
      remedy:
        "Align and pad buffers to whole pages, or bounce the ends of buffers of devices that are not "
        + "trusted.",
      reference:
        "True IOMMU Protection from DMA Attacks, ASPLOS 2016; Thunderclap, NDSS 2019; Linux bounces "
        + "only for untrusted devices"),
    IsolationRule(
      "V10", "Device that bypasses translation", .high, .both,
      meaning:
        "A device assigned to a guest translates by identity: a pass-through context, device-table "
        + "entry or PASID entry, an IOMMU that is off, or a reserved region left mapped in the "
        + "guest's domain. It reaches all of memory. Low for devices of the host's own.",
      remedy:
        "Attach the device to a domain with tables before the guest runs; take reserved regions out "
        + "of guests' domains or keep their devices from being assigned.",
      reference:
        "XSA-400, CVE-2022-26358 to 26361: handling of RMRRs and unity maps; XSA-378, CVE-2021-28694 "
        + "to 28696: identity mappings that stay when a device is taken away"),
    IsolationRule(
      "V11", "Peer-to-peer access around the IOMMU", .high,
      meaning:
        "A device's request was addressed to another device's registers or memory within one "
        + "isolation group, where switches may route it without asking the IOMMU.",
      remedy:
        "Enable PCIe access control services (request redirect, upstream forwarding) on the path, or "
        + "assign the whole group to one guest; do not override the grouping.",
      reference: "PCIe Access Control Services; Linux pcie_acs_override"),
  ]
}
