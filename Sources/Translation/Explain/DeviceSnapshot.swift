/// What the caches of remapping units hold, as people read it.
extension CacheSnapshot.Cache {
  /// A cache whose lookups are counted beside it.
  init<Value: BitwiseCopyable>(
    _ name: String, lookups: Int, hits: Int, _ cache: borrowing IOCache<Value>,
    _ told: (_ space: UInt64, _ key: UInt64, Value) -> String
  ) {
    var entries: Set<String> = []
    cache.visit { entries.insert(told($0, $1, $2)) }
    self.init(name: name, latencyCycles: 0, lookups: lookups, hits: hits, entries: entries)
  }

  init(_ iotlb: borrowing IOTLB) {
    var entries: Set<String> = []
    iotlb.visit { page, value in
      let size = sizeName(1 << UInt64(value.shift & 63))
      let end =
        value.fault == 0
        ? "at \(hexadecimal(value.output))" : "absent (\(String(value.fault, radix: 16))h)"
      let hasPASID = value.pasid != 0 && value.pasid != DMARequest.noPASID
      let pasid = hasPASID ? ", PASID \(value.pasid)" : ""
      entries.insert(
        "\(hexadecimal(page)) (\(size), domain \(hexadecimal(UInt64(value.domain)))\(pasid)) \(end)"
      )
    }
    self.init(
      name: "iotlb", latencyCycles: 0, lookups: iotlb.lookups, hits: iotlb.hits,
      entries: entries)
  }

  /// The caches of one stage, deepest first.
  static func all(_ stage: String, _ caches: borrowing IOWalkCaches) -> [Self] {
    var all: [Self] = []
    caches.visit { level, lookups, hits, cache in
      all.append(
        Self("iommu.nonleaf.\(stage).L\(level)", lookups: lookups, hits: hits, cache) {
          space, key, place in
          "\(hexadecimal(key << UInt64(12 + 9 * level))) (\(spaceName(space))): table "
            + hexadecimal(place.table)
        })
    }
    return all
  }

  /// The processor's walk caches, as first-stage and nested walks of VT-d use them.
  static func all(
    _ stage: String, _ caches: borrowing WalkCaches, _ spaces: [UInt64]
  ) -> [Self] {
    (0..<caches.count).map { at in
      caches.withCache(at) { cache in
        var entries: Set<String> = []
        _ = cache.remove { prefix, tag, value in
          let space = Int(tag) < spaces.count ? spaceName(spaces[Int(tag)]) : "tag \(tag)"
          entries.insert(
            "\(hexadecimal(prefix << TableLevel.shift(cache.level))) (\(space)): table "
              + hexadecimal(value & ~0xfff))
          return false
        }
        return Self(
          name: "iommu.nonleaf.\(stage).L\(cache.level)", latencyCycles: 0,
          lookups: cache.lookups, hits: cache.hits, entries: entries)
      }
    }
  }

  init(_ cache: borrowing InterruptEntryCache, isAMD: Bool) {
    var entries: Set<String> = []
    cache.visit { tag, entry in
      let owner = isAMD ? "\(deviceName(UInt32(tag >> 16))), " : ""
      entries.insert(
        "\(owner)entry \(tag & 0xffff): \(hexadecimal(entry.high)) \(hexadecimal(entry.low))")
    }
    self.init(
      name: "interrupt.entryCache", latencyCycles: 0, lookups: cache.lookups, hits: cache.hits,
      entries: entries)
  }
}

/// What tags a translation: a domain or a device, and a PASID.
private func spaceName(_ space: UInt64) -> String {
  let low = UInt32(truncatingIfNeeded: space)
  let owner =
    space >> 62 & 1 == 1 && space >> 32 & 0x3fff_ffff == 0 && low <= 0xffff
    ? "device \(deviceName(low))" : "domain \(hexadecimal(UInt64(low)))"
  let pasid = space >> 32 & 0x1f_ffff
  return pasid == 0 ? owner : "\(owner), PASID \(pasid - 1)"
}

extension VTdUnit {
  func snapshot() -> [CacheSnapshot.Cache] {
    var all = [CacheSnapshot.Cache(iotlb)]
    all.append(
      CacheSnapshot.Cache(
        "iommu.contextCache", lookups: contextLookups.lookups, hits: contextLookups.hits,
        contextCache
      ) { _, device, entry in
        "\(deviceName(UInt32(device))): \(hexadecimal(entry.high)) \(hexadecimal(entry.low))"
      })
    if pasidCache.exists {
      all.append(
        CacheSnapshot.Cache(
          "iommu.pasidCache", lookups: pasidLookups.lookups, hits: pasidLookups.hits, pasidCache
        ) { space, pasid, entry in
          "PASID \(pasid) of \(hexadecimal(space)): \(hexadecimal(entry.words[0]))"
        })
    }
    all += CacheSnapshot.Cache.all("secondStage", secondCaches)
    all += CacheSnapshot.Cache.all("firstStage", walker.firstCaches, spaceTags.spaces)
    return all + CacheSnapshot.Cache.all("nested", walker.secondCaches, spaceTags.spaces)
  }
}

extension AMDViUnit {
  func snapshot() -> [CacheSnapshot.Cache] {
    var all = [CacheSnapshot.Cache(iotlb)]
    all.append(
      CacheSnapshot.Cache(
        "iommu.contextCache", lookups: contextLookups.lookups, hits: contextLookups.hits,
        contextCache
      ) { _, device, entry in
        "\(deviceName(UInt32(device))): \(hexadecimal(entry.word1)) \(hexadecimal(entry.word0))"
      })
    if pasidCache.exists {
      all.append(
        CacheSnapshot.Cache(
          "iommu.pasidCache", lookups: pasidLookups.lookups, hits: pasidLookups.hits, pasidCache
        ) { space, pasid, entry in "PASID \(pasid) of \(hexadecimal(space)): \(hexadecimal(entry))"
        }
      )
    }
    return all + CacheSnapshot.Cache.all("secondStage", hostCaches)
      + CacheSnapshot.Cache.all("firstStage", guestCaches)
  }
}
