/// The two reference machines as they were given, byte for byte: they stay readable as they stand.
enum ReferenceFile {
  static let reference = #"""
    {
      "name": "reference",
      "cores": 1,
      "virtualization": { "mode": "nested" },          // native | nested | shadow | agile
      "firstStage": { "format": "x86-64:4" },
      "secondStage": { "format": "ept:4" },
      "tlbs": [
        { "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K"], "sets": 16, "ways": 4, "replacement": "lru", "latencyCycles": 0 },
        { "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K"], "sets": 16, "ways": 4, "replacement": "lru", "latencyCycles": 0 },
        { "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K"], "sets": 128, "ways": 12, "replacement": "lru", "latencyCycles": 7 }
      ],
      "walkCaches": [],
      "memory": { "model": "flat", "referenceCycles": 40 },
      "synthesis": { "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential", "seed": 1 }
    }
    """#

  static let cached = #"""
    {
      "name": "reference-cached",
      "cores": 1,
      "virtualization": { "mode": "nested" },          // native | nested | shadow | agile
      "firstStage": { "format": "x86-64:4" },
      "secondStage": { "format": "ept:4" },
      "tlbs": [
        { "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K"], "sets": 16, "ways": 4, "replacement": "lru", "latencyCycles": 0 },
        { "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K"], "sets": 16, "ways": 4, "replacement": "lru", "latencyCycles": 0 },
        { "name": "L2", "serves": ["fetch", "load", "store"], "pageSizes": ["4K"], "sets": 128, "ways": 12, "replacement": "lru", "latencyCycles": 7 }
      ],
      "walkCaches": [
        { "stage": "first", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },
        { "stage": "first", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },
        { "stage": "first", "level": 3, "sets": 1, "ways": 2, "replacement": "lru" },
        { "stage": "second", "level": 1, "sets": 1, "ways": 32, "replacement": "lru" },
        { "stage": "second", "level": 2, "sets": 1, "ways": 4, "replacement": "lru" },
        { "stage": "second", "level": 3, "sets": 1, "ways": 2, "replacement": "lru" },
        { "stage": "nested", "sets": 1, "ways": 64, "replacement": "lru" }
      ],
      "memory": { "model": "flat", "referenceCycles": 40 },
      "synthesis": { "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential", "seed": 1 }
    }
    """#
}
