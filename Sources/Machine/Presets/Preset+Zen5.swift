extension Preset {
  /// A core of AMD EPYC 9005 (Turin) and Ryzen 9000 (Granite Ridge).
  static let zen5 = Preset(
    name: "zen5",
    summary: "AMD Zen 5 (EPYC 9005, Ryzen 9000), one core, nested paging",
    source: "AMD Hot Chips 2024; CPUID of EPYC 9005; L2 TLB latency measured; walk caches recalled",
    json: #"""
      {
        // Sources
        // [HC24]  AMD, "Next Generation Zen 5 Core", Hot Chips 2024, slide "Zen 5
        //         Microarchitecture Overview": L1 64-entry ITLB, 96-entry DTLB; L2 2K ITLB,
        //         4K DTLB.
        // [CPUID] InstLatx64, AuthenticAMD0B00F21_K20_Turin_01_CPUID.txt: leaves 80000005h,
        //         80000006h, 80000019h; 80000021h EAX[14] (L2TlbSizeX32) is set, so second-level
        //         sizes count in units of 32.
        // [meas]  Measured by this project in a guest on EPYC 9005: an L1 DTLB of 96, an L2 hit
        //         at +7 cycles, an L2 knee near 4096 pages, an L2 data cache of 14 cycles.
        // recalled: no public source was found; treat as a guess.
        "name": "zen5",
        "cores": 1,  // Model: one core with private TLBs; further cores do not interact
        "virtualization": { "mode": "nested" },
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "npt:4" },
        // Model: replacement is true LRU; AMD does not publish its policy. Runs of pages that are
        // contiguous in both spaces are not coalesced into one entry.
        "tlbs": [
          {
            "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 1, "ways": 64,  // 64 [HC24], fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 1, "ways": 96,  // 96 [HC24] [meas], fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // hidden behind the 4-cycle data cache [meas]
          },
          {
            // Model: one plain 8-way array; CPUID gives 4 ways to 4K and 2 to 2M pages, which
            // points to ways that are skewed by page size.
            "name": "L2I", "serves": ["fetch"], "pageSizes": ["4K", "2M"],
            "sets": 256, "ways": 8,  // 2048 [HC24] [CPUID]; 8 ways recalled
            "replacement": "lru",
            "latencyCycles": 7  // recalled: taken to equal L2D's
          },
          {
            // Model: one plain 16-way array; CPUID gives 8 ways to 4K, 4 to 2M, and 4 to 1G
            // pages (1024 entries), which points to ways that are skewed by page size. The slide's
            // "everything but 1G" contradicts CPUID, which is followed.
            "name": "L2D", "serves": ["load", "store"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 256, "ways": 16,  // 4096 [HC24] [CPUID] [meas]; 1024 / 4 ways = 256 sets
            "replacement": "lru",
            "latencyCycles": 7  // [meas] 6.9 to 7.0
          },
        ],
        // Model: a separate fully associative cache for each level; AMD keeps upper entries in
        // the L2 TLB and a page walk cache of unpublished size. All sizes are recalled; replaying
        // the measured guest told a nested TLB of 16 best, but hardly from 4 or 64.
        "walkCaches": [
          { "stage": "first", "level": 1, "sets": 1, "ways": 64, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 2, "sets": 1, "ways": 64, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 3, "sets": 1, "ways": 64, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 1, "sets": 1, "ways": 16, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 2, "sets": 1, "ways": 16, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 3, "sets": 1, "ways": 16, "replacement": "lru" },  // recalled
          { "stage": "nested", "sets": 1, "ways": 16, "replacement": "lru" },  // recalled
        ],
        "memory": {
          // Model: every table reference is a hit in the L2 cache.
          "model": "flat",
          "referenceCycles": 14  // L2 cache latency [meas] 14.1
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // the same in all presets, so that they compare
        },
      }
      """#)
}
