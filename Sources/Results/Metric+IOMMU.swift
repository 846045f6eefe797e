extension Metric {
  /// What IOMMUs do, and what of it was recorded.
  ///
  /// Names follow the events of the `dmar` units that Linux counts where it has them: `iotlb_lookup`,
  /// `iotlb_hit`, `ctxt_cache_lookup`, `pasid_cache_lookup`, `ss_nonleaf_lookup`, `iommu_mrds`,
  /// `pg_req_posted` (drivers/iommu/intel/perfmon.c).
  static let iommu = [
    Metric("iommu.transfers", "transfers", "Transfers of devices, from the trace."),
    Metric(
      "iommu.requests", "requests",
      "Requests judged: one for each 4 KiB page that a transfer touches."),
    Metric("iommu.bytes", "bytes", "Bytes of requests whose length the trace has."),
    Metric("iommu.translated", "requests", "Requests that tables gave an address."),
    Metric(
      "iommu.passedThrough", "requests",
      "Requests that the device's entry lets pass as they are."),
    Metric(
      "iommu.untranslated", "requests",
      "Requests that met a unit whose translation is not enabled."),
    Metric(
      "iommu.interrupts", "requests",
      "Writes to the interrupt address range, which are messages and not translated."),
    Metric("iommu.faults", "requests", "Requests that were blocked."),
    Metric(
      "iommu.unresolved", "requests",
      "Requests that neither the trace nor an image has the tables to decide."),
    Metric(
      "iommu.fault.CODE", "faults",
      "Requests that were blocked, by the architecture's reason or event code, hexadecimal."),
    Metric(
      "iotlb.lookups", "requests",
      "Requests that probed the IOTLB, one each; iotlb_lookup of a dmar unit."),
    Metric("iotlb.hits", "requests", "Lookups that found a translation; iotlb_hit."),
    Metric("iotlb.misses", "requests", "Lookups that found none."),
    Metric("iotlb.fills", "entries", "Translations written after a miss."),
    Metric("iotlb.evictions", "entries", "Valid translations that a fill displaced."),
    Metric("iotlb.invalidations", "entries", "Valid translations that an invalidation removed."),
    Metric(
      "iommu.contextCache.lookups", "requests",
      "Requests that probed the cache of context or device-table entries; ctxt_cache_lookup."),
    Metric("iommu.contextCache.hits", "requests", "Of these, those that found their entry."),
    Metric("iommu.contextCache.misses", "requests", "Of these, those that did not find it."),
    Metric("iommu.contextCache.fills", "entries", "Context or device-table entries cached."),
    Metric(
      "iommu.contextCache.evictions", "entries", "Cached entries that a fill displaced."),
    Metric(
      "iommu.contextCache.invalidations", "entries",
      "Cached entries that an invalidation removed."),
    Metric(
      "iommu.pasidCache.lookups", "requests",
      "Requests that probed the cache of PASID entries or guest roots; pasid_cache_lookup."),
    Metric("iommu.pasidCache.hits", "requests", "Of these, those that found their PASID."),
    Metric("iommu.pasidCache.misses", "requests", "Of these, those that did not find it there."),
    Metric("iommu.pasidCache.fills", "entries", "PASID entries or guest roots cached."),
    Metric(
      "iommu.pasidCache.evictions", "entries", "Cached PASIDs that a fill displaced."),
    Metric(
      "iommu.pasidCache.invalidations", "entries",
      "Cached PASIDs that an invalidation removed."),
    Metric(
      "iommu.walk.updates", "updates",
      "Accessed and dirty flags that walks have set in the tables of either stage."),
    Metric(
      "iommu.nonleaf.NAME.lookups", "lookups",
      "Probes of this paging-structure cache: of the first stage (fs_nonleaf_lookup), of the second "
        + "(ss_nonleaf_lookup), or of the second in nested walks, by level."),
    Metric("iommu.nonleaf.NAME.hits", "lookups", "Probes of it that found their tag."),
    Metric("iommu.nonleaf.NAME.misses", "lookups", "Probes of it that did not."),
    Metric(
      "iommu.walk.count", "walks",
      "Walks begun: one for each miss of the IOTLB whose request has tables."),
    Metric("iommu.walk.references", "references", "Page-table entries read by walks."),
    Metric(
      "iommu.structure.references", "references",
      "Root, context, device-table and PASID entries read."),
    Metric(
      "iommu.memoryReads", "references", "All that the unit reads for requests; iommu_mrds."),
    Metric(
      "iommu.nanoseconds", "nanoseconds",
      "Modelled latency of IOTLB lookups and of every read for requests, one after another."),
    Metric(
      "iommu.invalidation.nanoseconds", "nanoseconds",
      "Modelled cost to software of the waits for invalidations."),
    Metric("iommu.commands", "commands", "Entries of the invalidation or command queue."),
    Metric("iommu.commands.illegal", "commands", "Entries that the architecture forbids."),
    Metric("iommu.waits", "commands", "Entries that wait for those before them."),
    Metric("iommu.invalidations.global", "commands", "Invalidations of all translations."),
    Metric("iommu.invalidations.domain", "commands", "Invalidations of a domain's translations."),
    Metric(
      "iommu.invalidations.pages", "commands",
      "Invalidations of translations of a range of pages or of a PASID."),
    Metric(
      "iommu.invalidations.other", "commands",
      "Invalidations of entries, device TLBs and interrupt entries."),
    Metric(
      "iommu.faultLog.recorded", "faults", "Blocked requests that the fault log took in."),
    Metric(
      "iommu.faultLog.collapsed", "faults",
      "Blocked requests left out because one of the same device was still recorded."),
    Metric(
      "iommu.faultLog.overflowed", "faults",
      "Blocked requests lost because the fault log was full."),
    Metric(
      "iommu.faultLog.suppressed", "faults",
      "Blocked requests that the device's entry asks not to record."),
    Metric(
      "iommu.pageRequests.posted", "requests", "Page requests given to software; pg_req_posted."),
    Metric("iommu.pageRequests.refused", "requests", "Page requests that were blocked."),
    Metric("iommu.pageRequests.responses", "commands", "Responses to page requests."),
    Metric(
      "iommu.pageRequests.answered", "requests", "Page requests whose group got its response."),
    Metric(
      "iommu.pageRequests.unmatched", "commands", "Responses to groups of which no request waited."),
    Metric("iommu.deviceTLB.devices", "devices", "Devices that were given a translation to keep."),
    Metric("iommu.deviceTLB.fills", "entries", "Translations that devices were given."),
    Metric("iommu.deviceTLB.evictions", "entries", "Translations that devices gave up for others."),
    Metric(
      "iommu.deviceTLB.invalidations", "entries",
      "Translations that invalidations took from devices."),
    Metric(
      "check.agreed", "outcomes",
      "Recorded outcomes of devices' requests that the machine gives too."),
    Metric(
      "check.contradicted", "outcomes",
      "Recorded outcomes of devices' requests that the machine does not give."),
    Metric(
      "check.explained", "outcomes",
      "Contradicted outcomes for which what made the difference is named."),
    Metric(
      "check.unmatched", "outcomes", "Recorded outcomes that follow no request of theirs."),
    Metric(
      "check.resets", "times", "Times that the recorder says it emptied its IOTLB by itself."),
    Metric("check.faults", "faults", "Recorded faults."),
    Metric(
      "check.faultedTransfers", "transfers",
      "Transfers that the recorded faults are of, when retries are put together."),
    Metric(
      "check.image.agreed", "pages",
      "Pages whose last translation the image's tables still give."),
    Metric(
      "check.image.contradicted", "pages",
      "Pages whose last translation the image's tables map elsewhere."),
    Metric(
      "check.image.unmapped", "pages",
      "Pages whose last translation the image's tables do not have any more."),
    Metric(
      "check.image.unresolved", "pages", "Pages whose tables the image does not hold."),
  ]
}
