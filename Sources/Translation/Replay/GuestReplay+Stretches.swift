import TraceFile

/// A touch that goes on with its class's page and changes nothing but a count.
struct Repeatable {
  var entry = -1
  var chain = 0
  /// Bit by kind.
  var kinds: UInt8 = 0
}

/// A block's records, stretch by stretch between what happens between them.
extension GuestReplay {
  /// Replays a block.
  ///
  /// - Throws: a `TraceError` where a column is damaged or an event asks for what cannot be.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadEvents()
    var cutter = try RunCutter(block)
    forgetRepeats()
    hot.forget(under: running)
    let entries = block.entries
    let records = Int(block.counts.records)
    let isCanonical = entries.allSatisfy {
      First.accepts(GVA(frame: $0.page).rawValue, levels: running.context.firstLevels)
    }
    try block.withEvents { (events) throws(TraceError) in
      var next = 0
      repeat {
        record = recordsBefore + cutter.record
        // Those behind the last record come when all is done.
        while cutter.record < records, next < events.count, events[next].record <= cutter.record {
          try handle(events[next], in: block)
          next += 1
        }
        if cutter.record < records, samples.isDue(at: record) {
          samples.take(progress.values, at: record)
        }
        let nextEvent = next < events.count ? events[next].record : records
        let stop = min(
          records, cutter.record + RunCutter.longest, nextEvent,
          max(samples.nextPlace - recordsBefore, cutter.record))
        let start = cutter.touches
        let runs = try cutter.advance(to: stop)
        if isCanonical, runsSuffice {
          for run in runs { play(run, entries) }
        } else {
          try block.loadTouches()
          play(block.touches[start..<cutter.touches], entries)
        }
      } while cutter.record < records
      record = recordsBefore + records
      for event in events[next...] { try handle(event, in: block) }
    }
    recordsBefore += records
    cpu.count(block.counts)
  }

  /// Whether a stretch's runs determine every counter.
  ///
  /// They do where a touch that goes on with the page of its class finds it as the most recent of its
  /// set and is allowed, and where no touch removes a translation: no fault, no exit that flushes, no
  /// shadow whose clean page a store meets.
  private var runsSuffice: Bool {
    guard splitsFirstLevel, changes.isEmpty, !running.isMixed, tables.isSynthesised, tables.hasRoom,
      machine.mode == .native || machine.mode == .nested,
      !derivesExits || !machine.mode.isVirtualized || machine.virtualization.hasVPID,
      cores[running.core].tlbs.serveAll
    else { return false }
    // Pages that are synthesised allow everything that the control registers allow on some page.
    return [Rights.read, .write, .execute].allSatisfy { right in
      First.denial(
        of: right.union(running.user), .all, key: 0, running.context.firstControls) == nil
    }
  }

  /// A run: its first touch, its first store, and a count of the others.
  @inline(__always)
  private mutating func play(_ run: CutRun, _ entries: UnsafeBufferPointer<PageEntry>) {
    let place = Int(run.entry)
    let entry = entries[place]
    touch(entry, kind: Int(run.kind), at: place)
    var others = Int(run.touches) - 1
    guard others > 0 else { return }
    if run.storesLater {
      touch(entry, kind: 2, at: place)
      others -= 1
    }
    let known = entry.isData ? last.data : last.fetch
    cores[running.core].tlbs.countRepeated(others, on: known.chain)
  }

  /// Touch after touch.
  private mutating func play(
    _ touches: Slice<UnsafeBufferPointer<UInt32>>, _ entries: UnsafeBufferPointer<PageEntry>
  ) {
    var next = record
    for touch in touches {
      if touch & TraceBlock.secondPage == 0 {
        record = next
        next += 1
      }
      let place = Int(touch & 0xffff)
      self.touch(entries[place], kind: Int(touch >> 16 & 3), at: place)
    }
  }

  /// The next touch on any page is looked up, whatever the last one was.
  mutating func forgetRepeats() { last = (Repeatable(), Repeatable()) }

  /// What a touch does, kind 0 fetch, 1 load, 2 store, 3 modify.
  @inline(__always)
  private mutating func touch(_ entry: PageEntry, kind: Int, at place: Int) {
    let known = kind == 0 ? last.fetch : last.data
    if known.entry == place, known.kinds >> UInt8(kind) & 1 != 0 {
      cores[running.core].tlbs.countRepeated(1, on: known.chain)
    } else {
      lookUp(entry, kind: kind, at: place)
    }
  }

  /// A touch that its class's last one does not answer.
  private mutating func lookUp(_ entry: PageEntry, kind: Int, at place: Int) {
    if let page = hot.known(place, kind), remembers, again(page, entry, kind: kind, at: place) {
      return
    }
    let (row, access) = needs(kind)
    let found = translate(GVA(frame: entry.page), access, row)
    guard let found, splitsFirstLevel, remembers else {
      forgetRepeats()
      return
    }
    // What was allowed and set stays so until tables change.
    if found.key.tag == running.context.firstTag {
      hot.keep(place, kinds: Self.kinds(kind), found.chain, found.key, found.reach)
    }
    goOn(with: place, kind, found.chain)
  }

  /// The row of chains and the rights that a touch asks for; a modify probes as the store that it also
  /// is.
  @inline(__always)
  private func needs(_ kind: Int) -> (row: Int, access: Rights) {
    let right: Rights = kind == 0 ? .execute : kind == 1 ? .read : .write
    return (min(kind, 2), right.union(running.user))
  }

  /// Another touch of a page of which everything but its place in the TLBs is known.
  ///
  /// - Returns: whether it was taken; where not, nothing of it was counted.
  @inline(__always)
  private mutating func again(
    _ page: UnsafeMutablePointer<HotPages.Page>, _ entry: PageEntry, kind: Int, at place: Int
  ) -> Bool {
    let chain = Int(page.pointee.chain)
    let key = page.pointee.key
    let core = cores + running.core
    if !changes.isEmpty || !tables.isSynthesised {
      // Where the first TLB has it not, its size may have changed meanwhile, or a global page answers.
      guard
        core.pointee.tlbs.hitsFirst(chain, key, changes.epoch, near: &page.pointee.slot)
      else { return false }
    } else if core.pointee.tlbs.hits(chain, key, at: page.pointee.slot) {
      // One set by times of use, as most first levels are: nothing more to do.
    } else if core.pointee.tlbs.lookup(
      chain, key, key.under(running.globalTag), near: &page.pointee.slot) == nil
    {
      let (row, access) = needs(kind)
      guard
        walk(GVA(frame: entry.page), access, row, page.pointee.reach, isCanonical: true) != nil
      else {
        forgetRepeats()
        return true
      }
    }
    goOn(with: place, kind, chain)
    return true
  }

  /// Whether what was known of a page may be used again.
  ///
  /// Once tables have changed, a page might stand in TLBs under more than one size, and then each use
  /// is looked at; so it is where a TLB may have the page of another space.
  @inline(__always)
  private var remembers: Bool {
    (changes.isEmpty || filledReaches.count == 1) && !running.isMixed
  }

  /// The kinds of touches that one allows after it.
  @inline(__always)
  private static func kinds(_ kind: Int) -> UInt8 { kind >= 2 ? 0b1100 : 1 << UInt8(kind) }

  /// The page is now the most recent of its class, and what was allowed and set stays so.
  @inline(__always)
  private mutating func goOn(with place: Int, _ kind: Int, _ chain: Int) {
    var repeatable = kind == 0 ? last.fetch : last.data
    if repeatable.entry != place || repeatable.chain != chain {
      repeatable = Repeatable(entry: place, chain: chain)
    }
    repeatable.kinds |= Self.kinds(kind)
    if kind == 0 { last.fetch = repeatable } else { last.data = repeatable }
  }
}
