extension Preset {
  /// A performance core of Intel's 12th generation and of Xeon Scalable, 4th generation.
  static let goldenCove = Preset(
    name: "golden-cove",
    summary: "Intel Golden Cove (Sapphire Rapids, Alder Lake P-core), one core, nested paging",
    source: "CPUID of Sapphire Rapids and Alder Lake; Chips and Cheese; walk caches recalled",
    json: #"""
      {
        // Sources
        // [CPUID] InstLatx64, GenuineIntel00806F8_SapphireRapids_05_CPUID.txt: leaf 18h,
        //         subleaves 1 to 8. It gives the 4K load TLB as 4 ways of 16 sets.
        // [AIDA]  InstLatx64, GenuineIntel0090672_AlderLake_01_BC_NewMemLat.txt: the same with
        //         96 entries of 6 ways for that TLB, the number that Intel announced; followed.
        // [CC]    Chips and Cheese on Lion Cove: an L2 TLB hit costs 7 cycles on Redwood Cove,
        //         Golden Cove's successor of nearly the same design.
        // [CC22]  Chips and Cheese, "A Preview of Raptor Lake's Improved L2 Caches", 2022:
        //         L2 cache of Golden Cove (Client) at 15 cycles.
        // recalled: no public source was found; treat as a guess.
        "name": "golden-cove",
        "cores": 1,  // Model: one core with private TLBs; further cores do not interact
        "virtualization": { "mode": "nested" },
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "ept:4" },
        // Model: replacement is true LRU; Intel does not publish its policy. One thread runs, so
        // nothing is shared or partitioned between hyperthreads.
        "tlbs": [
          {
            "name": "L1I-4K", "serves": ["fetch"], "pageSizes": ["4K"],
            "sets": 32, "ways": 8,  // 256 entries, 8-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1I-2M", "serves": ["fetch"], "pageSizes": ["2M"],
            "sets": 4, "ways": 8,  // 32 entries, 8-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1D-4K", "serves": ["load"], "pageSizes": ["4K"],
            "sets": 16, "ways": 6,  // 96 entries, 6-way [AIDA]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 5-cycle data cache
          },
          {
            "name": "L1D-2M", "serves": ["load"], "pageSizes": ["2M"],
            "sets": 8, "ways": 4,  // 32 entries, 4-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 5-cycle data cache
          },
          {
            "name": "L1D-1G", "serves": ["load"], "pageSizes": ["1G"],
            "sets": 1, "ways": 8,  // 8 entries, fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 5-cycle data cache
          },
          {
            "name": "L1D-store", "serves": ["store"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 1, "ways": 16,  // 16 entries, fully associative, stores only [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the store buffer
          },
          {
            // Model: one array of 16 ways; CPUID gives two of 8 ways and 128 sets, one for 4K and
            // 2M, one for 4K and 1G pages. 4K pages have all 2048 entries here as there; 2M and
            // 1G pages find 2048 here instead of 1024.
            "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K", "2M", "1G"],
            "sets": 128, "ways": 16,  // 2 x 1024 entries, 2 x 8-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 7  // [CC]
          },
        ],
        // Model: fully associative caches of both stages apart; a processor may cache combined
        // mappings instead (Intel SDM volume 3, "Information That May Be Cached").
        "walkCaches": [
          // recalled: nothing is published for Golden Cove; the sizes reported for Skylake.
          { "stage": "first", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 3, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          { "stage": "second", "level": 3, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          // recalled: 16 entries, as in Bhargava et al., "Accelerating Two-Dimensional Page
          // Walks for Virtualized Systems", ASPLOS 2008; Intel publishes none.
          { "stage": "nested", "sets": 1, "ways": 16, "replacement": "lru" },  // recalled
        ],
        "memory": {
          // Model: every table reference is a hit in the L2 cache.
          "model": "flat",
          "referenceCycles": 15  // L2 cache latency [CC22]; 16 in Sapphire Rapids, recalled
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // the same in all presets, so that they compare
        },
      }
      """#)
}
