extension Preset {
  /// A core of AMD EPYC 9004 (Genoa) and Ryzen 7000 (Raphael).
  static let zen4 = Preset(
    name: "zen4",
    summary: "AMD Zen 4 (EPYC 9004, Ryzen 7000), one core, nested paging",
    source: "CPUID of EPYC 9004 and Ryzen 7000; Chips and Cheese 2022; walk caches recalled",
    json: #"""
      {
        // Sources
        // [CPUID] InstLatx64, AuthenticAMD0A10F11_K19_Genoa_01_CPUID.txt: leaves 80000005h,
        //         80000006h, 80000019h; the same sizes are decoded in
        //         AuthenticAMD0A60F12_K19_Raphael_04_NewMemLat.txt.
        // [CC22]  Chips and Cheese, "AMD's Zen 4, Part 2: Memory Subsystem and Conclusion", 2022:
        //         72-entry L1 DTLB, 3072-entry L2 TLB at +7 cycles, up to four consecutive 4K
        //         pages coalesced.
        // recalled: no public source was found; treat as a guess.
        "name": "zen4",
        "cores": 1,  // Model: one core with private TLBs; further cores do not interact
        "virtualization": { "mode": "nested" },
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "npt:4" },
        // Model: replacement is true LRU; AMD does not publish its policy. Runs of pages that are
        // contiguous in both spaces are not coalesced into one entry.
        "tlbs": [
          {
            "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 1, "ways": 64,  // 64, fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 1, "ways": 72,  // 72 [CPUID] [CC22], fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 4-cycle data cache
          },
          {
            // Model: one plain 8-way array; CPUID gives 4 ways to 4K and 2 to 2M pages, which
            // points to ways that are skewed by page size.
            "name": "L2I", "serves": ["fetch"], "pageSizes": ["4K", "2M"],
            "sets": 64, "ways": 8,  // 512 [CPUID]; 8 ways recalled, as in Zen 2
            "replacement": "lru",
            "latencyCycles": 7  // recalled: taken to equal L2D's
          },
          {
            // Model: one plain 24-way array; CPUID gives at least 8 ways to 4K and at least 6 to
            // 2M pages, which points to ways that are skewed by page size.
            "name": "L2D", "serves": ["load", "store"], "pageSizes": ["4K", "2M"],
            "sets": 128, "ways": 24,  // 3072 [CPUID] [CC22]; 24 ways recalled
            "replacement": "lru",
            "latencyCycles": 7  // [CC22]
          },
          {
            "name": "L2D-1G", "serves": ["load", "store"], "pageSizes": ["1G"],
            "sets": 1, "ways": 64,  // 64, fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 7  // recalled: taken to equal L2D's
          },
        ],
        // Model: a separate fully associative cache for each level; AMD keeps upper entries in
        // the L2 TLB and a page walk cache of unpublished size. All sizes are recalled and equal
        // those of the zen5 preset.
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
          "referenceCycles": 14  // recalled: L2 cache latency
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // the same in all presets, so that they compare
        },
      }
      """#)
}
