import Testing

@testable import Translation

@Suite("VT-d layouts")
struct VTdLayoutTests {
  static let layouts: [(type: String, layout: [(name: String, bits: BitRange)])] = [
    ("root address", VTdRootAddress.layout), ("root entry, low", VTdRootEntryLow.layout),
    ("root entry, high", VTdRootEntryHigh.layout), ("context, low", VTdContextLow.layout),
    ("context, high", VTdContextHigh.layout),
    ("scalable context, low", VTdScalableContextLow.layout),
    ("scalable context, high", VTdScalableContextHigh.layout),
    ("PASID directory", VTdPASIDDirectoryEntry.layout), ("PASID entry 0", VTdPASIDEntry0.layout),
    ("PASID entry 1", VTdPASIDEntry1.layout), ("PASID entry 2", VTdPASIDEntry2.layout),
    ("second stage", VTdSecondStageEntry.layout), ("descriptor", VTdDescriptorLow.layout),
    ("context descriptor", VTdContextDescriptorLow.layout),
    ("IOTLB descriptor, low", VTdIOTLBDescriptorLow.layout),
    ("IOTLB descriptor, high", VTdIOTLBDescriptorHigh.layout),
    ("device TLB descriptor, low", VTdDeviceTLBDescriptorLow.layout),
    ("device TLB descriptor, high", VTdDeviceTLBDescriptorHigh.layout),
    ("entry cache descriptor", VTdEntryCacheDescriptorLow.layout),
    ("wait descriptor", VTdWaitDescriptorLow.layout),
    ("PASID cache descriptor", VTdPASIDCacheDescriptorLow.layout),
    ("PASID device TLB descriptor", VTdPASIDDeviceTLBDescriptorLow.layout),
    ("page response, low", VTdPageResponseLow.layout),
    ("page response, high", VTdPageResponseHigh.layout),
    ("fault record, low", VTdFaultRecordLow.layout),
    ("fault record, high", VTdFaultRecordHigh.layout),
    ("page request, low", VTdPageRequestLow.layout),
    ("page request, high", VTdPageRequestHigh.layout),
  ]

  @Test("fields tile the word without gaps or overlap", arguments: layouts.indices)
  func tiles(index: Int) {
    var next = 63
    for (name, bits) in Self.layouts[index].layout {
      #expect(bits.high == next, "\(Self.layouts[index].type).\(name)")
      next = bits.low - 1
    }
    #expect(next == -1)
  }

  /// Raw words of the guest kernel and of QEMU in the capture `vtd-lazy`, whose decoded lines are
  /// beside them.
  @Test("recorded words read as their recorder decoded them")
  func recorded() {
    // vtd_iotlb_cc_update ... high 0x602 low 0x2512001: domain 6, 48 bits of address.
    #expect((0x602 as UInt64)[VTdContextHigh.domain] == 6)
    #expect((0x602 as UInt64)[VTdContextHigh.width] == 2)
    #expect((0x251_2001 as UInt64) & VTdContextLow.table.mask == 0x251_2000)
    #expect((0x251_2001 as UInt64).has(VTdContextLow.present))
    // invalidate desc type iec high 0x0 low 0x100000014: granularity 0x1 index 0x1 mask 0x0.
    #expect((0x1_0000_0014 as UInt64)[VTdEntryCacheDescriptorLow.granularity] == 1)
    #expect((0x1_0000_0014 as UInt64)[VTdEntryCacheDescriptorLow.index] == 1)
    #expect((0x1_0000_0014 as UInt64)[VTdEntryCacheDescriptorLow.mask] == 0)
    // invalidate desc type iotlb high 0x0 low 0xd2: global, drains both.
    #expect((0xd2 as UInt64)[VTdIOTLBDescriptorLow.granularity] == 1)
    // wait high 0x105200c low 0x200000025: data 0x2, writes the status, fences not.
    #expect((0x2_0000_0025 as UInt64)[VTdWaitDescriptorLow.data] == 2)
    #expect((0x2_0000_0025 as UInt64).has(VTdWaitDescriptorLow.write))
    // vtd_frr_new ... high 0x40ffff0600000048: sid 0x48, fault 6, a read.
    #expect((0x40ff_ff06_0000_0048 as UInt64)[VTdFaultRecordHigh.source] == 0x48)
    #expect((0x40ff_ff06_0000_0048 as UInt64)[VTdFaultRecordHigh.reason] == 6)
    #expect((0x40ff_ff06_0000_0048 as UInt64).has(VTdFaultRecordHigh.read))
  }
}
