extension Preset {
  /// The reference machine with VT-d and posted interrupts.
  static let referenceInterrupts = Preset(
    name: "reference-interrupts",
    summary: "The reference machine with a VT-d unit that remaps and posts interrupts, 4 cores",
    source: "by definition; no hardware is described",
    json: reference.json.dropLast(1)
      .replacing("\"name\": \"reference\"", with: "\"name\": \"reference-interrupts\"")
      .replacing("\"cores\": 1", with: "\"cores\": 4") + io)

  /// The same with AMD-Vi.
  static let referenceAMDInterrupts = Preset(
    name: "reference-amd-interrupts",
    summary: "The reference machine with an AMD-Vi unit that remaps and posts interrupts, 4 cores",
    source: "by definition; no hardware is described",
    json: referenceInterrupts.json
      .replacing("\"reference-interrupts\"", with: "\"reference-amd-interrupts\"")
      .replacing("\"ept:4\"", with: "\"npt:4\"")
      .replacing("\"vtd\"", with: "\"amdvi\"")
      .replacing("18,  // by definition", with: "51,  // sizes stand in the address")
      .replacing("\"levels\": [4]", with: "\"levels\": [1, 2, 3, 4, 5, 6]")
      .replacing("65536,  // VT-d's largest table", with: "2048,  // AMD-Vi's largest table"))

  private static let io = #"""
      "iommu": {
        "architecture": "vtd", "mode": "legacy", "rootTable": null, "cachingMode": false,
        "maximumAddressMask": 18,  // by definition
        "hostAddressBits": 48,  // by definition
        "levels": [4],
        "faultRecords": 1,  // by definition
        "iotlb": { "sets": 1, "ways": 64, "replacement": "lru" },  // by definition
        "contextCache": { "sets": 1, "ways": 64, "replacement": "lru" },  // by definition
        "pasidCache": null, "deviceTLB": null, "walkCaches": [],
        "latency": {
          "iotlbNanoseconds": 0,  // by definition
          "referenceNanoseconds": 100,  // by definition
          "invalidationNanoseconds": 1000  // by definition
        },
        "invalidation": "recorded",
        "flushQueue": { "entries": 256, "milliseconds": 10 },  // Linux 6.12, iommu.strict=0
        "quirks": [],
      },
      "interrupts": {
        // none: no message is checked; remapped: the host takes what entries post, and injects;
        // posted: entries post to virtual processors.
        "mode": "posted",
        // What holds until the trace writes the unit's registers.
        "start": {
          "enabled": true, "extended": true, "compatibility": false, "longEntries": true,
          "entries": 65536,  // VT-d's largest table
        },
        "cores": 4,  // by definition
        "entryCache": { "sets": 16, "ways": 4, "replacement": "lru" },  // by definition
        "vectors": {
          "notification": 242,  // Linux 6.12, irq_vectors.h: POSTED_INTR_VECTOR
          "wakeup": 241  // Linux 6.12, irq_vectors.h: POSTED_INTR_WAKEUP_VECTOR
        },
        // Yardsticks, so that a sum shows its parts.
        "costs": {
          "remapNanoseconds": 10,  // by definition
          "referenceNanoseconds": 100,  // by definition
          "deliveryNanoseconds": 500,  // by definition
          "postNanoseconds": 50,  // by definition
          "exitNanoseconds": 1000,  // by definition
          "injectionNanoseconds": 300,  // by definition
          "forwardNanoseconds": 2000,  // by definition
          "wakeupNanoseconds": 5000  // by definition
        },
        "quirks": [],
      },
    }
    """#
}
