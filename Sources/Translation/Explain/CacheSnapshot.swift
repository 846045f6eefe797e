/// What the TLBs and walk caches of a core hold, and what they counted.
struct CacheSnapshot {
  struct Cache {
    var name: String
    var latencyCycles: Int
    var lookups: Int
    var hits: Int
    /// Each as people read it.
    var entries: Set<String>
  }

  var caches: [Cache] = []
  var exits: [String: Int] = [:]
}

/// A core whose caches can be looked into between two blocks.
protocol ExplainableCore: ReplayCore {
  func snapshot() -> CacheSnapshot
  /// Where an address is by the tables as they are now, which changes nothing.
  func place(of address: UInt64, _ access: Rights) -> String
  var levels: (first: Int, second: Int) { get }
}

extension GuestReplay {
  /// The running core's caches.
  func snapshot() -> CacheSnapshot {
    var snapshot = CacheSnapshot()
    let core = cores + running.core
    for index in 0..<core.pointee.tlbs.count {
      core.pointee.tlbs.withTLB(index) { tlb in
        var entries: Set<String> = []
        tlb.visit { key, value in
          entries.insert(
            "\(hex(key.address)) (\(name(key.reach)), tag \(key.tag)) at "
              + hex(value.page.address.rawValue))
        }
        snapshot.caches.append(
          CacheSnapshot.Cache(
            name: tlb.name, latencyCycles: tlb.latencyCycles, lookups: tlb.lookups,
            hits: tlb.hits, entries: entries))
      }
    }
    core.pointee.walker.visitCaches { name, cache in
      var entries: Set<String> = []
      let isNested = name == "nested"
      _ = cache.remove { prefix, tag, value in
        let address = prefix << UInt64(12 + 9 * cache.level)
        let result = hex(value & ~0xfff)
        entries.insert(
          isNested
            ? "\(hex(address)) at \(result)" : "\(hex(address)) (tag \(tag)): table \(result)")
        return false
      }
      snapshot.caches.append(
        CacheSnapshot.Cache(
          name: name, latencyCycles: 0, lookups: cache.lookups, hits: cache.hits,
          entries: entries))
    }
    for (name, count) in ledger.byReason { snapshot.exits[name] = count }
    return snapshot
  }

  mutating func place(of address: GVA, _ access: Rights) -> String {
    let outcome = checker.walk(
      address, access.union(running.user), in: running.context, tables.memory, path: &checkerPath)
    switch outcome {
    case .translated(let page):
      let sizes =
        running.context.secondLevels > 0
        ? "\(name(page.first)) on \(name(page.second))" : name(page.first)
      return "\(hex(address.rawValue)) is at \(hex(page.address.rawValue)) (\(sizes))"
    case .fault(let fault):
      return "\(hex(address.rawValue)) faults: \(fault.counter)"
    }
  }
}

extension Walker {
  /// Shows every walk cache with the name of its counters.
  func visitCaches(_ body: (String, borrowing WalkCache) -> Void) {
    for at in 0..<firstCaches.count {
      firstCaches.withCache(at) { body("firstStage.L\($0.level)", $0) }
    }
    for at in 0..<secondCaches.count {
      secondCaches.withCache(at) { body("secondStage.L\($0.level)", $0) }
    }
    if hasNestedTLB { body("nested", nestedTLB) }
  }
}

/// `4K`, `2M` or `1G`.
private func name(_ size: PageSize) -> String { ["4K", "2M", "1G"][size.leafLevel] }
