extension Metric {
  /// What exits, invalidations and changes of tables did.
  static let virtualization = [
    Metric("exit.count", "exits", "VM exits, those that the trace recorded and those derived."),
    Metric(
      "exit.cycles", "cycles",
      "What exits cost by the machine's `exits`: round trips, handlers, processes, calls."),
    Metric("exit.userSpace", "exits", "Exits that a process handles, as a thin hypervisor has it."),
    Metric("exit.recorded", "exits", "Exits that the trace recorded."),
    Metric(
      "exit.because.NAME", "exits",
      "Exits derived from what a touch or an event needs: guestFaults (a page that the guest had "
        + "not mapped), hiddenFaults (one that only the shadow had not), tableWrites (a write to "
        + "tables that the shadow follows), dirtyFaults (the first write to a page entered as "
        + "clean), backed (a second-stage page given on first touch), spaceChanges (CR writes), "
        + "pageInvalidations (INVLPG, INVPCID), others."),
    Metric("exit.REASON", "exits", "VM exits by the architecture's basic reason."),
    Metric("invalidation.NAME.events", "events", "Invalidations of this kind carried out."),
    Metric(
      "invalidation.NAME.entries", "entries",
      "TLB entries that invalidations of this kind removed."),
    Metric(
      "invalidation.NAME.walks", "walks",
      "Walks of pages whose translation an invalidation of this kind had removed since it was last "
        + "filled."),
    Metric(
      "walk.permission", "walks",
      "Walks begun after a hit, because the cached translation did not allow the access; part of "
        + "walk.count."),
    Metric("tables.changes", "changes", "Changes of tables between records."),
    Metric("tables.strayWrites", "writes", "Writes of entries at addresses where no table stands."),
    Metric(
      "stale.uses", "touches",
      "Touches served by a cached translation that the tables no longer had."),
  ]
}
