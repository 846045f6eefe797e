extension Preset {
  /// A Skylake-SP server whose VT-d posts interrupts.
  static let skylakeInterrupts = Preset(
    name: "skylake-sp-interrupts",
    summary: "Intel Skylake-SP with VT-d that remaps and posts interrupts; costs of its exits",
    source: "Linux commit 0c5f81dad46c for an interrupt's exit; other times recalled",
    json: skylakeSP.json.dropLast(1)
      .replacing("\"skylake-sp\"", with: "\"skylake-sp-interrupts\"")
      .replacing(
        "\"cores\": 1,  // Model: one core with private TLBs; further cores do not interact",
        with: "\"cores\": 1,  // Model: one core's TLBs; `interrupts.cores` take interrupts") + io)

  private static let io = #"""
      "iommu": {
        "architecture": "vtd", "mode": "legacy", "rootTable": null, "cachingMode": false,
        "maximumAddressMask": 18,  // recalled: MAMV of Xeon servers
        "hostAddressBits": 46,  // Intel SDM volume 4: 46 bits of physical address on Skylake-SP
        "levels": [4],
        "faultRecords": 8,  // recalled: NFR of Xeon servers
        "iotlb": { "sets": 1, "ways": 64, "replacement": "lru" },  // recalled
        "contextCache": { "sets": 1, "ways": 64, "replacement": "lru" },  // recalled
        "pasidCache": null, "deviceTLB": null, "walkCaches": [],
        "latency": {
          "iotlbNanoseconds": 0,  // not modelled
          "referenceNanoseconds": 200,  // recalled: F&S, SOSP 2024, takes 197 ns a reference
          "invalidationNanoseconds": 1000  // recalled
        },
        "invalidation": "recorded",
        "flushQueue": {
          "entries": 256,  // Linux 6.12, drivers/iommu/dma-iommu.c, IOVA_DEFAULT_FQ_SIZE
          "milliseconds": 10  // IOVA_DEFAULT_FQ_TIMEOUT
        },
        "quirks": [],
      },
      "interrupts": {
        "mode": "posted",
        "start": {
          "enabled": true, "extended": true, "compatibility": false, "longEntries": true,
          "entries": 65536,  // Linux 6.12, irq_remapping.h: INTR_REMAP_TABLE_ENTRIES
        },
        "cores": 40,  // two sockets of 20 cores, by definition
        "entryCache": { "sets": 16, "ways": 4, "replacement": "lru" },  // recalled
        "vectors": {
          "notification": 242,  // Linux 6.12, irq_vectors.h: POSTED_INTR_VECTOR
          "wakeup": 241  // Linux 6.12, irq_vectors.h: POSTED_INTR_WAKEUP_VECTOR
        },
        "costs": {
          "remapNanoseconds": 20,  // recalled
          "referenceNanoseconds": 200,  // recalled: as the IOMMU's
          "deliveryNanoseconds": 600,  // recalled: from the write to a handler's first instruction
          "postNanoseconds": 200,  // recalled: one locked update of the descriptor by the unit
          // Linux commit 0c5f81dad46c, "KVM: LAPIC: Inject timer interrupt via posted interrupt",
          // 2019: EXTERNAL_INTERRUPT exits on a Skylake server took 0.71 us on average.
          "exitNanoseconds": 710,  // as said above
          "injectionNanoseconds": 400,  // recalled
          "forwardNanoseconds": 1000,  // recalled: an interrupt from core to core
          "wakeupNanoseconds": 5000  // recalled: from a wake-up vector to the virtual processor
        },
        "clockMegahertz": 2400,  // Xeon Gold 6148, base frequency
        "quirks": [],
      },
    }
    """#
}
