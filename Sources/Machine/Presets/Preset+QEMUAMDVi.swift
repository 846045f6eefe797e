extension Preset {
  /// For logs of QEMU's AMD-Vi.
  static let qemuAMDVi = Preset(
    name: "qemu-amdvi",
    summary: "QEMU's AMD-Vi (amd-iommu), for replaying its trace logs",
    source: "QEMU 7.2, hw/i386/amd_iommu.c and amd_iommu.h",
    json: emulatedCore(name: "qemu-amdvi") + #"""

          "iommu": {
            // Of QEMU 7.2, hw/i386/amd_iommu.c and amd_iommu.h.
            "architecture": "amdvi",
            "mode": "legacy",  // the only one that AMD-Vi has
            "rootTable": null,  // the log does not print the register's writes
            "cachingMode": false,  // NpCache is not reported
            "maximumAddressMask": 51,  // sizes stand in the address
            "hostAddressBits": 52,  // AMDVI_DEV_PT_ROOT_MASK
            "levels": [1, 2, 3, 4, 5, 6],  // the field's values
            "faultRecords": 32768,  // the longest event log, 2^15 entries
            "iotlb": {
              // AMDVI_IOTLB_MAX_SIZE; emptied by the fill that finds it full.
              "sets": 1, "ways": 1024, "replacement": "clear"  // AMDVI_IOTLB_MAX_SIZE
            },
            "contextCache": null,  // amdvi_get_dte reads each time
            "pasidCache": null,  // no guest translation
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
              "iotlb-by-device",  // amdvi_iotlb_lookup's key has the device
              "iotlb-before-context",  // amdvi_do_translate looks there first
              "iotlb-base-pages",  // its key is a page of 4 KiB whatever the size
              "pages-take-domain",  // amdvi_inval_pages removes by domain
              "invalidates-at-once",  // amdvi_cmdbuf_exec, one by one
              "hits-skip-permission",  // what it returns is checked by the memory core
            ],
          },

      """#
      + emulatedInterrupts(
        entries: (2048, "AMD-Vi's largest table"), reads: "amdvi_get_irte", longEntries: false,
        quirks: [
          (
            "faults-not-recorded",
            "amdvi_interrupt_remap_msi reports to its caller alone (recalled)"
          )
        ]) + "\n}\n")
}
