extension Preset {
  /// For logs of QEMU's VT-d from 9.2 on, and of what the architecture asks before.
  static let qemuVTd = Preset(
    name: "qemu-vtd",
    summary: "QEMU's VT-d (intel-iommu), for replaying its trace logs",
    source: "QEMU 9.2, hw/i386/intel_iommu.c and intel_iommu_internal.h",
    json: emulated(name: "qemu-vtd", quirks: quirks, interruptQuirks, version: "9.2"))

  /// For logs of QEMU's VT-d before 9.2.
  static let qemu72VTd = Preset(
    name: "qemu-7.2-vtd",
    summary: "QEMU 7.2's VT-d, which drops more than page-selective invalidations ask",
    source: "QEMU 7.2, hw/i386/intel_iommu.c and intel_iommu_internal.h",
    json: emulated(
      name: "qemu-7.2-vtd",
      quirks: quirks + [
        ("page-mask-8-bits", "VTDIOTLBPageInvInfo.mask is uint8_t before 9.2")
      ],
      interruptQuirks + [
        ("faults-not-recorded", "vtd_report_ir_fault is of 8.1 and later (recalled)")
      ], version: "7.2"))

  private static let quirks = [
    ("iotlb-by-device", "vtd_get_iotlb_key has the source, not the domain"),
    ("iotlb-before-context", "vtd_do_iommu_translate looks there first in legacy mode"),
    ("context-domain-is-global", "vtd_context_cache_invalidate falls through"),
    ("invalidates-at-once", "vtd_process_inv_desc, one by one"),
    ("hits-skip-permission", "what it returns is checked by the memory core, without a fault"),
    ("faults-collapse-by-device", "vtd_try_collapse_fault"),
  ]

  private static func emulated(
    name: String, quirks: [(name: String, why: String)],
    _ interruptQuirks: [(name: String, why: String)], version: String
  ) -> String {
    let list = quirks.map { "            \"\($0.name)\",  // \($0.why)" }
    return emulatedCore(name: name) + """

          "iommu": {
            // Of QEMU \(version), hw/i386/intel_iommu.c and intel_iommu_internal.h.
            "architecture": "vtd",
            "mode": "legacy",  // x-scalable-mode is off by default
            "rootTable": null,  // the log's register writes say it
            "cachingMode": false,  // the property's default
            "maximumAddressMask": 18,  // VTD_MAMV
            "hostAddressBits": 48,  // aw-bits=48, as for guests with four levels; 39 otherwise
            "levels": [3, 4],  // VTD_CAP_SAGAW_39bit, VTD_CAP_SAGAW_48bit
            "faultRecords": 1,  // DMAR_FRCD_REG_NR
            "iotlb": {
              // VTD_IOTLB_MAX_SIZE; emptied by the fill that finds it full.
              "sets": 1, "ways": 1024, "replacement": "clear"  // VTD_IOTLB_MAX_SIZE
            },
            "contextCache": {
              // One entry in each device's VTDAddressSpace, valid in the current generation.
              "sets": 65536, "ways": 1, "replacement": "lru"  // one for each requester
            },
            "pasidCache": null,  // read anew for each request
            "deviceTLB": {
              "sets": 1, "ways": 2048, "replacement": "lru"  // vhost's max_iotlb_entries; recalled
            },
            "walkCaches": [],  // none
            "latency": {
              // An emulator's time says nothing of hardware's.
              "iotlbNanoseconds": 0,  // not modelled
              "referenceNanoseconds": 0,  // not modelled
              "invalidationNanoseconds": 0  // not modelled
            },
            "invalidation": "recorded",  // recorded | strict | lazy | pass-through
            "flushQueue": {
              "entries": 256,  // Linux 6.12, drivers/iommu/dma-iommu.c, IOVA_DEFAULT_FQ_SIZE
              "milliseconds": 10  // IOVA_DEFAULT_FQ_TIMEOUT
            },
            "quirks": [
      \(list.joined(separator: "\n"))
            ],
          },
      \(emulatedInterrupts(
        entries: (65_536, "VT-d's largest table"), reads: "vtd_irte_get", longEntries: true,
        quirks: interruptQuirks))
      }
      """
  }

  private static let interruptQuirks = [
    ("bus-range-reversed", "vtd_irte_get takes SID 15:8 for the last bus"),
    ("compatibility-passes", "vtd_interrupt_remap_msi lets the format pass"),
    ("index-unchecked", "vtd_irte_get takes 16 bits of index"),
  ]

  /// Interrupt remapping of QEMU's units, which read each entry from memory and cannot post.
  static func emulatedInterrupts(
    entries: (count: Int, why: String), reads function: String, longEntries: Bool,
    quirks: [(name: String, why: String)]
  ) -> String {
    let list = quirks.map { "\n          \"\($0.name)\",  // \($0.why)" }.joined()
    return #"""
            "interrupts": {
              "mode": "remapped",
              "start": {
                // Until the log's register writes say otherwise.
                "enabled": false, "extended": false, "compatibility": true,
                "longEntries": \#(longEntries),
                "entries": \#(entries.count),  // \#(entries.why)
              },
              "cores": 255,  // what xAPIC ids can name
              "entryCache": null,  // \#(function) reads memory for each message
              "vectors": {
                "notification": 242,  // Linux 6.12, irq_vectors.h: POSTED_INTR_VECTOR
                "wakeup": 241  // Linux 6.12, irq_vectors.h: POSTED_INTR_WAKEUP_VECTOR
              },
              "costs": {
                // An emulator's time says nothing of hardware's.
                "remapNanoseconds": 0,  // not modelled
                "referenceNanoseconds": 0,  // not modelled
                "deliveryNanoseconds": 0,  // not modelled
                "postNanoseconds": 0,  // not modelled
                "exitNanoseconds": 0,  // not modelled
                "injectionNanoseconds": 0,  // not modelled
                "forwardNanoseconds": 0,  // not modelled
                "wakeupNanoseconds": 0  // not modelled
              },
              "quirks": [\#(list)
              ],
            },
      """#
  }

  /// A machine around an emulator's IOMMU: its processor is the yardstick's, because no log has any of
  /// its accesses.
  static func emulatedCore(name: String) -> String {
    #"""
    {
          "name": "\#(name)",
          // By definition: the reference machine's processor; the log has none of its accesses.
          "cores": 1,  // by definition
          "virtualization": { "mode": "native" },
          "firstStage": { "format": "x86-64:4" },
          "tlbs": [
            {
              "name": "L1I", "serves": ["fetch"], "pageSizes": ["4K", "2M", "1G"],
              "sets": 16, "ways": 4,  // by definition
              "replacement": "lru",
              "latencyCycles": 0  // by definition
            },
            {
              "name": "L1D", "serves": ["load", "store"], "pageSizes": ["4K", "2M", "1G"],
              "sets": 16, "ways": 4,  // by definition
              "replacement": "lru",
              "latencyCycles": 0  // by definition
            },
          ],
          "walkCaches": [],
          "memory": {
            "model": "flat",
            "referenceCycles": 40  // by definition
          },
          "synthesis": {
            "firstStagePage": "4K", "secondStagePage": "4K", "frames": "sequential",
            "seed": 1  // the same in all presets, so that they compare
          },
    """#
  }
}
