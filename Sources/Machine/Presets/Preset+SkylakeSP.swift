extension Preset {
  /// A core of the first and second generations of Intel Xeon Scalable.
  static let skylakeSP = Preset(
    name: "skylake-sp",
    summary: "Intel Skylake-SP (Xeon Scalable, 1st and 2nd generation), one core, nested paging",
    source: "Intel optimization manual; CPUID decode; AnandTech; Chips and Cheese; "
      + "walk caches recalled",
    json: #"""
      {
        // Sources
        // [OPT]   Intel 64 and IA-32 Architectures Optimization Reference Manual, 248966-045,
        //         February 2022, Table 2-15 (Skylake TLB parameters), as quoted by J. McCalpin in
        //         Intel Community, "TLB information provided by cpuid doesn't make sense to me".
        // [CPUID] InstLatx64, GenuineIntel0050654_SkylakeX_NewMemLat.txt: sizes and ways decoded
        //         from leaf 2 of an i9-7900X. Leaf 2 says 6 ways for the L2 TLB and 64 entries
        //         for the ITLB; the manual's 12 and 128 are followed.
        // [AT17]  AnandTech, "The Intel Skylake-X Review", 2017, "I Keep My Cache Private":
        //         128-entry 8-way ITLB, 64-entry 4-way DTLB, 1536-entry 12-way L2 TLB.
        // [CC]    Chips and Cheese: an L2 TLB hit costs +9 cycles on Skylake (article not kept).
        // [CC22]  Chips and Cheese, "A Preview of Raptor Lake's Improved L2 Caches", 2022:
        //         L2 cache of Skylake (Server) at 13 cycles.
        // recalled: no public source was found; treat as a guess.
        "name": "skylake-sp",
        "cores": 1,  // Model: one core with private TLBs; further cores do not interact
        "virtualization": { "mode": "nested" },
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "ept:4" },
        // Model: replacement is true LRU; Intel does not publish its policy. One thread runs, so
        // nothing is shared or partitioned between hyperthreads.
        "tlbs": [
          {
            "name": "L1I-4K", "serves": ["fetch"], "pageSizes": ["4K"],
            "sets": 16, "ways": 8,  // 128 entries, 8-way [OPT] [AT17]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1I-2M", "serves": ["fetch"], "pageSizes": ["2M"],
            "sets": 1, "ways": 8,  // 8 for each thread [OPT], fully associative [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the instruction cache
          },
          {
            "name": "L1D-4K", "serves": ["load", "store"], "pageSizes": ["4K"],
            "sets": 16, "ways": 4,  // 64 entries, 4-way [CPUID] [AT17]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 4-cycle data cache
          },
          {
            "name": "L1D-2M", "serves": ["load", "store"], "pageSizes": ["2M"],
            "sets": 8, "ways": 4,  // 32 entries, 4-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 4-cycle data cache
          },
          {
            "name": "L1D-1G", "serves": ["load", "store"], "pageSizes": ["1G"],
            "sets": 1, "ways": 4,  // 4 entries, 4-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 0  // recalled: hidden behind the 4-cycle data cache
          },
          {
            "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K", "2M"],
            "sets": 128, "ways": 12,  // 1536 entries, 12-way [AT17] [CPUID]
            "replacement": "lru",
            "latencyCycles": 9  // [CC]
          },
          {
            "name": "L2-1G", "serves": ["fetch", "load", "store"], "pageSizes": ["1G"],
            "sets": 4, "ways": 4,  // 16 entries, 4-way [CPUID]
            "replacement": "lru",
            "latencyCycles": 9  // recalled: taken to equal L2's
          },
        ],
        // Model: fully associative caches of both stages apart; a processor may cache combined
        // mappings instead (Intel SDM volume 3, "Information That May Be Cached").
        "walkCaches": [
          // recalled: reverse engineering reports 24 to 32 PDEs, 3 or 4 PDPTEs, 3 or 4 PML4Es.
          { "stage": "first", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          { "stage": "first", "level": 3, "sets": 1, "ways": 4, "replacement": "lru" },  // recalled
          // recalled: nothing is published for EPT; taken to equal the first stage's.
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
          "referenceCycles": 13  // L2 cache latency [CC22]
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // the same in all presets, so that they compare
        },
      }
      """#)
}
