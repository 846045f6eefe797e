import Machine
import Results
import Testing

@testable import Translation

/// One stream of maps, DMA and unmaps under the policies of different drivers.
@Suite("Strict, lazy and no translation")
struct FlushPolicyTests {
  /// Eight buffers, each mapped, written twice by the device and unmapped, and then written once more.
  static var scenario: String {
    var text = "nestwalk scenario 1\nattach device=0x38 domain=5\n"
    for step in 0..<8 {
      let address = "address=0x\(String(0x10_0000 + step << 12, radix: 16))"
      text += "time nanoseconds=\(1000 * (step + 1))\n"
      text += "iommuMap domain=5 \(address) output=0x\(String(0x80_0000 + step << 12, radix: 16)) "
      text += "bytes=4096 rights=3\n"
      text +=
        "dma device=0x38 \(address) bytes=64 kind=1\ndma device=0x38 \(address) bytes=64 kind=1\n"
      text += "iommuUnmap domain=5 \(address) bytes=4096\n"
      text += "dma device=0x38 \(address) bytes=64 kind=1\n"
    }
    return text
  }

  private func run(_ policy: String) throws -> [String: Int] {
    try replay(
      text: Self.scenario, on: "qemu-vtd",
      [
        "iommu.quirks=[]", "iommu.invalidation=\(policy)", "iommu.flushQueue.entries=4",
        "iommu.latency={iotlbNanoseconds: 2, referenceNanoseconds: 50, invalidationNanoseconds: 1000}",
      ]
    ).counters
  }

  @Test("strict blocks every late access and pays for each unmap")
  func strict() throws {
    let counters = try run("strict")
    #expect(counters["iommu.requests"] == 24)
    #expect(counters["iommu.faults"] == 8 && counters["iommu.fault.05h"] == 8)
    #expect(counters["iommu.invalidations.pages"] == 8 && counters["iommu.waits"] == 8)
    // One miss to fill each buffer and one that faults.
    #expect(counters["iotlb.misses"] == 16 && counters["iotlb.hits"] == 8)
    #expect(counters["iommu.invalidation.nanoseconds"] == 8 * 1000)
    // 24 lookups; each walk of four levels reads 4 entries; the root and context entries are read once.
    #expect(counters["iommu.nanoseconds"] == 24 * 2 + (16 * 4 + 2) * 50)
  }

  /// The fourth and eighth unmap fill the queue, so that the access behind each of them is blocked.
  @Test("lazy lets late accesses through until its queue is full")
  func lazy() throws {
    let counters = try run("lazy")
    #expect(counters["iommu.faults"] == 2)
    #expect(counters["iommu.invalidations.domain"] == 2 && counters["iommu.waits"] == 2)
    #expect(counters["iotlb.misses"] == 8 + 2 && counters["iotlb.hits"] == 8 + 6)
    #expect(counters["iommu.invalidation.nanoseconds"] == 2 * 1000)
  }

  @Test("without invalidations of the trace none come")
  func recorded() throws {
    let counters = try run("recorded")
    #expect(counters["iommu.faults"] == 0 && counters["iommu.waits"] == 0)
    #expect(counters["iotlb.hits"] == 16 && counters["iotlb.misses"] == 8)
  }

  @Test("passing through costs nothing and stops nothing")
  func passThrough() throws {
    let counters = try run("pass-through")
    #expect(counters["iommu.passedThrough"] == 24 && counters["iommu.nanoseconds"] == 0)
  }

  @Test("AMD-Vi's tables serve the same stream")
  func amd() throws {
    let counters = try replay(
      text: Self.scenario, on: "qemu-amdvi", ["iommu.quirks=[]", "iommu.invalidation=strict"]
    ).counters
    #expect(counters["iommu.faults"] == 8 && counters["iommu.fault.IO_PAGE_FAULT"] == 8)
    #expect(counters["iotlb.hits"] == 8)
  }
}
