extension Preset {
  /// Every nested walk of it reads 24 entries.
  static let reference = Preset(
    name: "reference",
    summary: "No walk caches: every nested 4-level walk reads exactly 24 entries",
    source: "by definition; no hardware is described",
    json: #"""
      {
        // A yardstick, not hardware: every number is chosen, none is measured.
        "name": "reference",
        "cores": 1,  // by definition
        "virtualization": { "mode": "nested" },  // native | nested
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "ept:4" },
        "tlbs": [
          {
            "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K"],
            "sets": 16, "ways": 4,  // by definition: 64 entries
            "replacement": "lru",
            "latencyCycles": 0  // by definition: hidden behind the first-level cache
          },
          {
            "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K"],
            "sets": 16, "ways": 4,  // by definition: 64 entries
            "replacement": "lru",
            "latencyCycles": 0  // by definition: hidden behind the first-level cache
          },
          {
            "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K"],
            "sets": 128, "ways": 12,  // by definition: 1536 entries
            "replacement": "lru",
            "latencyCycles": 7  // by definition
          },
        ],
        "walkCaches": [],
        "memory": {
          "model": "flat",
          "referenceCycles": 40  // by definition
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // by definition
        },
      }
      """#)

  /// The reference machine with walk caches.
  static let referenceCached = Preset(
    name: "reference-cached",
    summary: "The reference machine with walk caches in both stages and a nested TLB",
    source: "by definition; no hardware is described",
    json: #"""
      {
        // A yardstick, not hardware: every number is chosen, none is measured.
        "name": "reference-cached",
        "cores": 1,  // by definition
        "virtualization": { "mode": "nested" },  // native | nested
        "firstStage": { "format": "x86-64:4" },
        "secondStage": { "format": "ept:4" },
        "tlbs": [
          {
            "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K"],
            "sets": 16, "ways": 4,  // by definition: 64 entries
            "replacement": "lru",
            "latencyCycles": 0  // by definition: hidden behind the first-level cache
          },
          {
            "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K"],
            "sets": 16, "ways": 4,  // by definition: 64 entries
            "replacement": "lru",
            "latencyCycles": 0  // by definition: hidden behind the first-level cache
          },
          {
            "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K"],
            "sets": 128, "ways": 12,  // by definition: 1536 entries
            "replacement": "lru",
            "latencyCycles": 7  // by definition
          },
        ],
        // All by definition: fully associative, small at the top where reuse is high.
        "walkCaches": [
          { "stage": "first", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },
          { "stage": "first", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },
          { "stage": "first", "level": 3, "sets": 1, "ways": 2, "replacement": "lru" },
          { "stage": "second", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },
          { "stage": "second", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },
          { "stage": "second", "level": 3, "sets": 1, "ways": 2, "replacement": "lru" },
          { "stage": "nested", "sets": 1, "ways": 64, "replacement": "lru" },
        ],
        "memory": {
          "model": "flat",
          "referenceCycles": 40  // by definition
        },
        "synthesis": {
          "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
          "seed": 1  // by definition
        },
      }
      """#)
}
