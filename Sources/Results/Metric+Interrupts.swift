extension Metric {
  /// What devices' interrupts became.
  static let interrupts: [Metric] = [
    Metric("interrupt.requests", "messages", "Interrupt messages that reached the remapping unit."),
    Metric("interrupt.remapped", "messages", "Messages that an entry remapped."),
    Metric(
      "interrupt.posted", "messages", "Messages that an entry posted to a virtual processor."),
    Metric(
      "interrupt.passedThrough", "messages",
      "Messages that went on as they were written: unchecked, or in a format that may pass."),
    Metric("interrupt.blocked", "messages", "Messages that the remapping unit stopped."),
    Metric(
      "interrupt.unresolved", "messages",
      "Messages that neither the trace nor an image has the entry or the data to judge."),
    Metric(
      "interrupt.misdelivered", "messages",
      "Messages that ended at a core or guest that they are not for, or at the host although a "
        + "guest's device chose them."),
    Metric(
      "interrupt.fault.CODE", "messages",
      "Messages stopped for this fault reason: VT-d's number, or the event that AMD-Vi logs."),
    Metric(
      "interrupt.silentFaults", "messages",
      "Stopped messages whose entry asks that the fault is not recorded."),
    Metric(
      "interrupt.uncheckedSources", "messages",
      "Messages whose entry checks the source, from a device that the trace does not name."),
    Metric(
      "interrupt.delivery.direct", "messages",
      "Interrupts that a running virtual processor took without an exit."),
    Metric(
      "interrupt.delivery.injected", "messages",
      "Interrupts that the host took and injected into a virtual processor that was running."),
    Metric(
      "interrupt.delivery.pending", "messages",
      "Interrupts that waited until their virtual processor next entered."),
    Metric(
      "interrupt.delivery.host", "messages",
      "Interrupts that the host took for itself, or for a guest without a virtual processor in the "
        + "trace."),
    Metric(
      "interrupt.delivery.unknown", "messages",
      "Interrupts of which nothing says where they end: unresolved, for a descriptor that nobody "
        + "owns, or for a core that the machine does not have."),
    Metric(
      "interrupt.delivery.merged", "messages",
      "Interrupts whose vector was already waiting, so that both became one."),
    Metric(
      "interrupt.delivery.resumed", "vectors",
      "Waiting vectors that their virtual processor took."),
    Metric("interrupt.delivery.waiting", "vectors", "Vectors that waited when the trace ended."),
    Metric(
      "interrupt.delivery.forwarded", "messages",
      "Interrupts that the host took on a core which did not run the virtual processor, and passed "
        + "on to the one that did."),
    Metric(
      "interrupt.guestLog.entries", "messages",
      "Posted interrupts that AMD-Vi wrote into its guest log, because their virtual processor did not "
        + "run."),
    Metric(
      "interrupt.wrongCore", "messages",
      "Notifications that reached a core while the virtual processor ran on another."),
    Metric(
      "interrupt.lostNotifications", "interrupts",
      "Interrupts of which nothing told a running virtual processor, or woke a blocked one."),
    Metric(
      "interrupt.spuriousNotifications", "messages",
      "Notifications that nobody needed, for virtual processors that were preempted or that an exit "
        + "had to be taken for."),
    Metric(
      "interrupt.forged", "messages",
      "Messages whose vector and target a guest's device chose itself, and that reached the host."),
    Metric("interrupt.exits", "exits", "VM exits that interrupts caused."),
    Metric(
      "interrupt.exitNanoseconds", "ns",
      "Modelled cost of those exits: their number times the machine's."),
    Metric(
      "interrupt.nanoseconds", "ns",
      "Modelled latency of all messages, without the time that vectors waited."),
    Metric(
      "interrupt.hostNanoseconds", "ns",
      "What the host's processors spend on interrupts, a part of that latency: exits, injections and "
        + "interrupts that it passes on to another core."),
    Metric(
      "interrupt.severalCores", "messages",
      "Messages that several cores could take, by a logical destination of several bits or a "
        + "broadcast; each is counted at the lowest-numbered."),
    Metric(
      "interrupt.waitedNanoseconds", "ns",
      "Time that waiting vectors waited until they were taken, by the trace's clock."),
    Metric(
      "interrupt.latency", "ns",
      "Latency of interrupts that were taken: modelled for those that were taken at once, by the "
        + "trace's clock for those that waited; each cut to its five highest bits."),
    Metric(
      "interrupt.moves", "entries",
      "Changes of a present entry's vector or destination."),
    Metric(
      "interrupt.vectorMoves", "interrupts",
      "Times that the host's kernel gave an interrupt another vector or core."),
    Metric(
      "interrupt.observed.deliveries", "events",
      "Vectors that the recorder saw interrupt controllers of cores take."),
    Metric(
      "interrupt.observed.routes", "events",
      "Times that the hypervisor bound a host interrupt to a virtual processor's vector, or unbound "
        + "it."),
    Metric(
      "interrupt.observed.injections", "events",
      "Vectors that the recorder saw the hypervisor inject."),
    Metric(
      "interrupt.observed.injections.matched", "events",
      "Of those, vectors that waited in the model, which were taken then."),
    Metric(
      "interrupt.observed.accepts", "events",
      "Vectors that the recorder saw controllers of virtual processors accept."),
    Metric(
      "interrupt.observed.accepts.matched", "events",
      "Of those, vectors that the model had handed over or had wait; others were sent by software."),
    Metric(
      "interrupt.observed.vectorUpdates", "events",
      "Times that the host's kernel gave an interrupt a vector of a core."),
    Metric(
      "interrupt.observed.vectorConfigs", "events",
      "Times that the host's kernel programmed an interrupt's vector and destination."),
    Metric(
      "interrupt.observed.handlers", "events",
      "Interrupt handlers that the recorder saw run on cores."),
    Metric(
      "interrupt.observed.handlers.matched", "events",
      "Of those, handlers of an interrupt with a known vector for which a message had arrived."),
    Metric(
      "interrupt.observed.wakes", "events", "Blocked virtual processors that were seen to wake."),
    Metric(
      "interrupt.observed.wakes.matched", "events",
      "Of those, virtual processors for which a vector waited in the model."),
    Metric(
      "interrupt.observed.guestLogs", "events",
      "Entries of AMD-Vi's guest log that the recorder saw the hypervisor read."),
    Metric(
      "interrupt.observed.guestLogs.matched", "events",
      "Of those, entries that the model had written before, by their tag."),
    Metric(
      "interrupt.observed.software", "events",
      "Interrupt messages that software sent for a device that it emulates."),
    Metric(
      "interrupt.observedLatency", "ns",
      "By the trace's clock: from a message to its handler on the host's core, or from when a vector "
        + "began to wait to its injection; each cut to its five highest bits."),
    Metric("interrupt.entryCache.lookups", "lookups", "Probes of the interrupt entry cache."),
    Metric("interrupt.entryCache.hits", "lookups", "Probes that found their entry cached."),
    Metric(
      "interrupt.entryCache.misses", "lookups",
      "Probes that did not; hits and misses together are the lookups."),
    Metric("interrupt.entryCache.fills", "entries", "Present entries cached after a miss."),
    Metric("interrupt.entryCache.evictions", "entries", "Interrupt entries that a fill displaced."),
    Metric(
      "interrupt.entryCache.invalidations", "entries",
      "Interrupt entries that an invalidation removed from the cache."),
    Metric(
      "check.interrupts.agreed", "messages",
      "Messages that became what the recorder saw: entry, index, vector, destination, modes."),
    Metric(
      "check.interrupts.contradicted", "messages", "Messages that became something else."),
    Metric(
      "check.interrupts.blocked", "messages",
      "Agreed messages of which the recorder saw an entry and no outcome: blocked in both."),
    Metric(
      "check.interrupts.unrecorded", "messages", "Messages of which the recorder saw nothing."),
    Metric(
      "check.interrupts.unmatched", "records",
      "Recorded outcomes that follow no message of theirs."),
    Metric(
      "check.interrupts.rewrites", "entries",
      "Entries that the recorder read with other contents than the last time."),
    Metric(
      "check.interrupts.rewritesWithoutInvalidation", "entries",
      "Those among them that no invalidation covered in between."),
    Metric(
      "check.interrupts.image.agreed", "entries",
      "Entries that the recorder read and that the image holds as they were last read."),
    Metric(
      "check.interrupts.image.rewritten", "entries",
      "Those that the image holds otherwise, and that were invalidated after their last use."),
    Metric(
      "check.interrupts.image.contradicted", "entries",
      "Those that the image holds otherwise, without any invalidation since."),
    Metric(
      "check.interrupts.deliveries.agreed", "deliveries",
      "Recorded deliveries that are what the message before them became."),
    Metric(
      "check.interrupts.deliveries.contradicted", "deliveries",
      "Recorded deliveries that are something else."),
    Metric(
      "check.interrupts.deliveries.unmatched", "deliveries",
      "Recorded deliveries without a message before them, such as the unit's own."),
  ]
}
