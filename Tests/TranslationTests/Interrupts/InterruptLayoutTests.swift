import Testing

@testable import Translation

@Suite("Interrupt layouts")
struct InterruptLayoutTests {
  static let layouts: [(type: String, layout: [(name: String, bits: BitRange)])] = [
    ("VTdRemappableAddress", VTdRemappableAddress.layout),
    ("VTdRemappableData", VTdRemappableData.layout),
    ("CompatibilityAddress", CompatibilityAddress.layout),
    ("CompatibilityData", CompatibilityData.layout),
    ("VTdRemappedEntryLow", VTdRemappedEntryLow.layout),
    ("VTdPostedEntryLow", VTdPostedEntryLow.layout),
    ("VTdEntryHigh", VTdEntryHigh.layout),
    ("VTdInterruptTableAddress", VTdInterruptTableAddress.layout),
    ("VTdEntryInvalidation", VTdEntryInvalidation.layout),
    ("RemappableRedirectionEntry", RemappableRedirectionEntry.layout),
    ("PostedControl", PostedControl.layout),
    ("AMDViShortEntry", AMDViShortEntry.layout),
    ("AMDViEntryLow", AMDViEntryLow.layout),
    ("AMDViGuestEntryLow", AMDViGuestEntryLow.layout),
    ("AMDViEntryHigh", AMDViEntryHigh.layout),
    ("AMDViDeviceInterrupts", AMDViDeviceInterrupts.layout),
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

  @Test("a field reads and writes its bits, and no others")
  func fields() {
    var word: UInt64 = .max
    word[BitRange(31, 20)] = 0xfee
    #expect(word == 0xffff_ffff_feef_ffff)
    #expect(word[BitRange(31, 20)] == 0xfee)
    #expect(word.has(BitRange(20)) == false)
    #expect(word.has(BitRange(21)))
  }

  /// The entry that a Linux guest wrote for its NVMe controller's first queue, as QEMU's log has it:
  /// destination 2 in xAPIC's place, vector 0x25, DM and RH set, from device 00:07.0 alone.
  @Test("a real entry reads as the driver meant it")
  func realEntry() {
    let (low, high): (UInt64, UInt64) = (0x200_0025_000d, 0x4_0038)
    #expect(low[VTdRemappedEntryLow.present] == 1)
    #expect(low[VTdRemappedEntryLow.faultDisable] == 0)
    #expect(low[VTdRemappedEntryLow.destinationMode] == 1)
    #expect(low[VTdRemappedEntryLow.redirectionHint] == 1)
    #expect(low[VTdRemappedEntryLow.deliveryMode] == 0)
    #expect(low[VTdRemappedEntryLow.mode] == 0)
    #expect(low[VTdRemappedEntryLow.vector] == 0x25)
    #expect(low[VTdRemappedEntryLow.destinationXAPIC] == 2)
    #expect(high[VTdEntryHigh.source] == 7 << 3)
    #expect(high[VTdEntryHigh.qualifier] == 0)
    #expect(high[VTdEntryHigh.validation] == 1)
  }

  /// Linux 6.12 drivers/iommu/intel/irq_remapping.c, `intel_ir_set_vcpu_affinity`: PDA_L is address
  /// bits 31:6 at bit 38, PDA_H is bits 63:32 at bit 96.
  @Test("the descriptor's address comes from both halves")
  func descriptorAddress() {
    let address: UInt64 = 0x0000_0012_3456_7fc0
    var entry = InterruptEntry()
    entry.low = ((address >> 6) & 0x3ff_ffff) << 38 | 1 | 1 << 15
    entry.high = (address >> 32) << 32
    #expect(VTdInterrupts.descriptor(of: entry) == address)
    #expect(VTdInterrupts.hasReservedBits(entry) == false)
  }

  /// VT-d specification, "I/OxAPIC Programming": index 0x8123 has bit 15 in RTE bit 11.
  @Test("an I/O APIC's entry becomes its message")
  func redirectionEntry() {
    let entry = RemappableRedirectionEntry(
      rawValue: 0x0123 << 49 | 1 << 48 | 1 << 15 | 1 << 11 | 0x55)
    let message = entry.message
    // 0xFEE, index[14:0] at 5, format at 4, no SHV, index[15] at 2.
    #expect(message.address == 0xfee0_0000 | 0x123 << 5 | 1 << 4 | 1 << 2)
    #expect(message.data == 0x8055)
  }
}
