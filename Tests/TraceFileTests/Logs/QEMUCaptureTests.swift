import Testing

@testable import TraceFile

/// The captures' lines, counted here by splitting them, against the events made of them.
@Suite("QEMU's captured logs")
struct QEMUCaptureTests {
  private func names(_ lines: [Substring]) -> [Substring: Int] {
    lines.reduce(into: [:]) { counts, line in
      let event = line.split(separator: ":", maxSplits: 1)[1]
      counts[event.split(separator: " ", maxSplits: 1)[0], default: 0] += 1
    }
  }

  @Test(
    "vtd-lazy: every line is an event or skipped by name",
    .enabled(if: hasCapture("vtd-lazy/trace.log.zst"), "no capture vtd-lazy"))
  func vtdLazy() throws {
    let path = qemuCapture("vtd-lazy/trace.log.zst")
    let lines = names(try captureLines(path))
    let log = try importLog(path: path)
    #expect(log.format == .qemuLog)
    func count(_ names: Substring...) -> Int { names.reduce(0) { $0 + lines[$1, default: 0] } }

    // The figures of the capture's own description.
    #expect(count("vtd_dmar_translate") == 10_678)
    #expect(count("vtd_iotlb_page_update") == 6_315)
    #expect(count("vtd_dmar_fault") == 561)

    let translations = log.events.filter { $0.tag == .recordedTranslation }
    #expect(translations.count == count("vtd_dmar_translate"))
    #expect(translations.count { $0.words[2] == 1 } == count("vtd_iotlb_page_hit"))
    #expect(translations.count { $0.words[2] == 0 } == count("vtd_iotlb_page_update"))
    // All pages are of 4 KiB: the leaf's address is the output.
    #expect(translations.allSatisfy { $0.words[3] & ~0xfff == $0.words[5] && $0.words[6] == 0xfff })
    #expect(log.count(.recordedFault) == count("vtd_dmar_fault"))
    #expect(log.count(.dma) == translations.count + log.count(.recordedFault))
    #expect(log.count(.recordedContext) == count("vtd_iotlb_cc_hit", "vtd_iotlb_cc_update"))
    #expect(log.count(.iommuCommand) == count("vtd_inv_desc"))
    #expect(log.count(.iommuCompletion) == count("vtd_inv_desc_wait_sw"))
    #expect(log.count(.iommuRegister) == count("vtd_reg_write"))
    #expect(log.count(.faultRecord) == count("vtd_frr_new"))
    #expect(log.count(.recordedReset) == count("vtd_context_cache_reset"))
    #expect(log.count(.interruptMessage) == count("vtd_ir_remap_msi_req"))
    #expect(log.count(.recordedEntry) == count("vtd_ir_irte_get"))
    #expect(log.count(.recordedInterrupt) == count("vtd_ir_remap_msi"))
    #expect(log.count(.interruptDelivery) == count("apic_deliver_irq"))

    let made: [Substring] = [
      "vtd_dmar_translate", "vtd_iotlb_page_hit", "vtd_iotlb_page_update", "vtd_dmar_fault",
      "vtd_iotlb_cc_hit", "vtd_iotlb_cc_update", "vtd_inv_desc", "vtd_inv_desc_wait_sw",
      "vtd_reg_write", "vtd_frr_new", "vtd_context_cache_reset", "vtd_ir_remap_msi_req",
      "vtd_ir_irte_get", "vtd_ir_remap", "apic_deliver_irq", "pci_nvme_admin_cmd",
      "pci_nvme_io_cmd", "pci_nvme_map_addr", "e1000e_rx_desc_buff_write", "e1000e_tx_descr",
    ]
    let rest = lines.filter { !made.contains($0.key) }
    // Of the messages only those that passed without an entry say something new.
    let messages = count("vtd_ir_remap_msi") - count("vtd_ir_remap")
    #expect(log.skipped == rest.values.reduce(0, +) - messages)
    let note = try #require(log.notes.first { $0.contains("skipped") })
    for (name, count) in rest where name != "vtd_ir_remap_msi" {
      #expect(note.contains("\(name) \(count)"), "\(name)")
    }
  }

  @Test(
    "vtd-lazy: an interrupt became what the entry read for it says",
    .enabled(if: hasCapture("vtd-lazy/trace.log.zst"), "no capture vtd-lazy"))
  func vtdEntries() throws {
    let events = try importLog(path: qemuCapture("vtd-lazy/trace.log.zst")).untimed
    var checked = 0
    for (entry, interrupt) in zip(events, events.dropFirst()) {
      guard entry.tag == .recordedEntry, interrupt.tag == .recordedInterrupt else { continue }
      let low = entry.words[1]
      #expect(low & 1 == 1)
      #expect(interrupt.words[0] == entry.words[0])
      #expect(interrupt.words[1] == low >> 16 & 0xff)
      // xAPIC destinations stand in bits 47:40.
      #expect(interrupt.words[2] == low >> 40 & 0xff)
      #expect(interrupt.words[3] == low >> 5 & 7)
      #expect(interrupt.words[4] == low >> 4 & 1)
      #expect(interrupt.words[5] == low >> 2 & 1)
      checked += 1
    }
    #expect(checked == 3_103)
  }

  @Test(
    "amdvi-example: every line is an event or skipped by name",
    .enabled(if: hasCapture("amdvi-example/trace-head.log.zst"), "no capture amdvi-example"))
  func amdvi() throws {
    let path = qemuCapture("amdvi-example/trace-head.log.zst")
    let lines = names(try captureLines(path))
    let log = try importLog(path: path)
    func count(_ name: Substring) -> Int { lines[name, default: 0] }
    #expect(
      log.count(.iommuCommand)
        == count("amdvi_devtab_inval") + count("amdvi_pages_inval")
        + count("amdvi_completion_wait"))
    #expect(log.count(.iommuCompletion) == count("amdvi_completion_wait"))
    #expect(log.count(.interruptMessage) == count("amdvi_ir_remap_msi_req"))
    #expect(log.count(.recordedEntry) == count("amdvi_ir_irte_ga_val"))
    #expect(log.count(.recordedInterrupt) == count("amdvi_ir_remap_msi"))
    #expect(log.count(.interruptDelivery) == count("apic_deliver_irq"))
    #expect(log.count(.recordedReset) == count("amdvi_iotlb_reset"))
    #expect(log.count(.iommuRegister) == count("amdvi_control_status"))
    let made: [Substring] = [
      "amdvi_devtab_inval", "amdvi_pages_inval", "amdvi_completion_wait",
      "amdvi_ir_remap_msi_req", "amdvi_ir_irte_ga_val", "amdvi_ir_irte", "amdvi_ir_remap_msi",
      "apic_deliver_irq", "amdvi_iotlb_reset", "amdvi_control_status", "pci_nvme_admin_cmd",
      "pci_nvme_io_cmd",
      "pci_nvme_map_addr",
    ]
    // The log begins while the guest starts: no line of it is a translation.
    for name in [
      "amdvi_iotlb_hit", "amdvi_cache_update", "amdvi_translation_result", "amdvi_page_fault",
    ] {
      #expect(count(Substring(name)) == 0, "\(name)")
    }
    #expect(log.count(.recordedTranslation) == 0)
    let rest = lines.filter { !made.contains($0.key) }
    #expect(log.skipped == rest.values.reduce(0, +))
    let note = try #require(log.notes.first { $0.contains("skipped") })
    for (name, count) in rest { #expect(note.contains("\(name) \(count)"), "\(name)") }
  }
}
