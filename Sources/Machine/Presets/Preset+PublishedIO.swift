extension Preset {
  /// For pcie-bench's windows on a Haswell server.
  static let pcieBenchHaswell = Preset(
    name: "pcie-bench-haswell",
    summary: "The IOTLB of a Haswell server as pcie-bench's data fit it",
    source: "pcie-bench/data, HSW E5-2620v3, 64-byte reads; sizes fitted to its miss rates",
    json: published(
      "pcie-bench-haswell", iotlb: pcieBenchIOTLB, walkCaches: "[],  // misses cost one constant",
      link: """
        "packetBytes": 64,  // LAT_CMD_RD of 64 bytes
        "requestsPerPacket": 1,  // a read
        "intervalPicoseconds": 0,  // no link rate: reads are not pipelined
        "outstandingRequests": 1,  // one read at a time
        "order": "serial",
        "packetPicoseconds": 0,  // in the request
        "requestPicoseconds": 480000,  // median with a window of 256 KiB
        "missPicoseconds": 213000,  // median of misses less median of hits: 693 - 480
        "contextMissPicoseconds": 0,  // once a run
        "referencePicoseconds": 0  // in the miss
        """))

  /// For pcie-bench's bandwidth on a Broadwell server.
  static let pcieBenchBroadwell = Preset(
    name: "pcie-bench-broadwell",
    summary: "Pipelined 64-byte reads through a Broadwell server's IOTLB",
    source: "pcie-bench/data, BDW E5-2630v4, bandwidth of 64-byte reads; fitted",
    json: published(
      "pcie-bench-broadwell", iotlb: pcieBenchIOTLB, walkCaches: "[],  // misses cost one constant",
      link: """
        "packetBytes": 64,  // a read
        "requestsPerPacket": 1,  // a read
        "intervalPicoseconds": 0,  // in the request
        "outstandingRequests": 1,  // how reads overlap is in the two times below
        "order": "serial",
        "packetPicoseconds": 0,  // in the request
        "requestPicoseconds": 18600,  // fitted: 27.6 Gb/s with a window of 256 KiB
        "missPicoseconds": 33500,  // fitted: 9.84 Gb/s with a window of 64 MiB
        "contextMissPicoseconds": 0,  // once a run
        "referencePicoseconds": 0  // in the miss
        """))

  /// For the rings of "Fast & Safe IO Memory Protection".
  static let fastAndSafe = Preset(
    name: "fast-and-safe",
    summary: "A Cascade Lake server's IOMMU by the throughput model of Fast & Safe",
    source: "Fast & Safe IO Memory Protection, SOSP 2024, section 2.2",
    json: published(
      "fast-and-safe",
      iotlb: """
        { "sets": 1, "ways": 128, "replacement": "lru" },  // not published; as pcie-bench's fit
        """,
      walkCaches: """
        [
                { "stage": "second", "level": 1, "sets": 1, "ways": 64, "replacement": "lru" },
                { "stage": "second", "level": 2, "sets": 1, "ways": 32, "replacement": "lru" },
                { "stage": "second", "level": 3, "sets": 1, "ways": 16, "replacement": "lru" }
              ],  // the lowest "likely 64-128" by footnote 3; the others recalled
        """,
      link: """
        "packetBytes": 4096,  // a page of data
        "requestsPerPacket": 18,  // a descriptor read, 16 transfers of 256 bytes, one written back
        "intervalPicoseconds": 0,  // the model has no link rate
        "outstandingRequests": 1,  // what overlaps is in the two times below
        "order": "serial",
        "packetPicoseconds": 65000,  // l0 of the model
        "requestPicoseconds": 0,  // in the packet
        "missPicoseconds": 0,  // in the references
        "contextMissPicoseconds": 0,  // once a run
        "referencePicoseconds": 197000  // lm of the model
        """))

  /// For HyperSIO's synthetic tenants.
  static let hyperSIO = Preset(
    name: "hypersio",
    summary: "HyperSIO's caches and times at 200 Gb/s",
    source: "PrincetonUniversity/hypersio 77edd0b, src/sioperf/include/defines.h and sioperf.tcc",
    json: published(
      "hypersio",
      iotlb: """
        { "sets": 8, "ways": 8, "replacement": "lru" },  // 64 entries, 8 ways
        """,
      walkCaches: """
        [
                { "stage": "second", "level": 1, "sets": 32, "ways": 16, "replacement": "lru" },
                { "stage": "second", "level": 2, "sets": 64, "ways": 16, "replacement": "lru" }
              ],  // L2PAGE 512/16, L3PAGE 1024/16
        """,
      link: """
        "packetBytes": 1542,  // DEFAULT_PKT_SIZE_BYTES
        "requestsPerPacket": 3,  // TRANSLATIONS_PER_PKT
        "intervalPicoseconds": 61000,  // PKT_INTERARRIVAL_TIME_NS: 1542 * 8 / 200, whole nanoseconds
        "outstandingRequests": 32,  // tqueue, an argument
        "order": "parallel",
        "packetPicoseconds": 0,  // in the requests
        "requestPicoseconds": 3000,  // SIM_LAT_CC_HIT 1 and SIM_LAT_IOTLB_HIT 2
        "missPicoseconds": 950000,  // SIM_LAT_PCIE_RTT 900 and one SIM_LAT_DDR for a 4 KiB leaf
        "contextMissPicoseconds": 1000000,  // SIM_LAT_PCIE_RTT 900 and MEM_LAT_CE_READ 100
        "referencePicoseconds": 0  // a walk costs one access whatever it reads
        """))

  private static let pcieBenchIOTLB = """
    { "sets": 1, "ways": 120, "replacement": "lru" },  // fitted: 120 to 128; the paper says 64
    """

  private static func published(
    _ name: String, iotlb: String, walkCaches: String, link: String
  ) -> String {
    let lines = link.split(separator: "\n").map { "        " + $0 }.joined(separator: "\n")
    return emulatedCore(name: name) + """

          "iommu": {
            "architecture": "vtd",
            "mode": "legacy",
            "rootTable": null,
            "cachingMode": false,
            "maximumAddressMask": 18,  // enough for what nic-ring invalidates
            "hostAddressBits": 46,  // Xeon
            "levels": [3, 4],
            "faultRecords": 1,  // none is expected
            "iotlb": \(iotlb)
            "contextCache": { "sets": 256, "ways": 8, "replacement": "lru" },  // HyperSIO's 2048
            "pasidCache": null,
            "deviceTLB": null,
            "walkCaches": \(walkCaches)
            "latency": {
              "iotlbNanoseconds": 0,  // the link's times say it
              "referenceNanoseconds": 0,  // the link's times say it
              "invalidationNanoseconds": 0  // not in these figures
            },
            "invalidation": "recorded",
            "flushQueue": {
              "entries": 256,  // unused with recorded
              "milliseconds": 10  // unused with recorded
            },
            "quirks": [],
            "link": {
      \(lines)
            }
          }
        }
      """
  }
}
