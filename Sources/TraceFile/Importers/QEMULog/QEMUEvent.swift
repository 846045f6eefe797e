/// The events of a QEMU trace log that become events of a trace.
///
/// Source: QEMU 7.2, `hw/i386/trace-events`, `hw/virtio/trace-events`, `hw/intc/trace-events`,
/// `hw/net/trace-events`, `hw/nvme/trace-events`; the lines are the same in QEMU 10.0.
enum QEMUEvent: UInt8, CaseIterable {
  case vtdPageHit = 1
  case vtdPageUpdate, vtdTranslate, vtdFault, vtdContextHit, vtdContextUpdate, vtdPassThrough
  case vtdDescriptor, vtdContextGlobal, vtdContextDomain, vtdContextDevices, vtdContextDevice
  case vtdGlobal, vtdDomain, vtdPages, vtdPASIDPages, vtdPASID
  case vtdEntryCache, vtdWaitWrite, vtdWaitInterrupt
  case vtdRegisterWrite, vtdRootTable, vtdInterruptTable, vtdCommandRegister
  case vtdFaultRecord, vtdIOTLBReset, vtdContextReset, vtdPageWalk, vtdReplay
  case vtdRequest, vtdEntry, vtdRemap, vtdMessage
  case amdHit, amdUpdate, amdResult, amdFault
  case amdPages, amdDevice, amdInterrupts, amdAll, amdWait, amdReset, amdRegisterWrite
  case amdRequest, amdEntryPlace, amdEntryGA, amdEntry, amdMessage, amdAbort, amdError, amdControl
  case virtioAttach, virtioDetach, virtioMap, virtioUnmap, virtioTranslate, virtioOutput
  case virtioFault
  case apicDeliver
  case nvmeAdmin, nvmeIO, nvmeBuffer
  case e1000eReceive, e1000eTransmit

  /// The name that begins the event's line, and what may follow it.
  var line: (name: String, patterns: [String]) {
    switch self {
    case .vtdPageHit:
      ("vtd_iotlb_page_hit", ["IOTLB page hit sid 0x%x iova 0x%x slpte 0x%x domain 0x%x"])
    case .vtdPageUpdate:
      ("vtd_iotlb_page_update", ["IOTLB page update sid 0x%x iova 0x%x slpte 0x%x domain 0x%x"])
    case .vtdTranslate:
      ("vtd_dmar_translate", ["dev %x:%x.%x iova 0x%x -> gpa 0x%x mask 0x%x"])
    case .vtdFault: ("vtd_dmar_fault", ["sid 0x%x fault %d addr 0x%x write %d"])
    case .vtdContextHit:
      (
        "vtd_iotlb_cc_hit",
        ["IOTLB context hit bus 0x%x devfn 0x%x high 0x%x low 0x%x gen %d"]
      )
    case .vtdContextUpdate:
      (
        "vtd_iotlb_cc_update",
        ["IOTLB context update bus 0x%x devfn 0x%x high 0x%x low 0x%x gen %d -> gen %d"]
      )
    case .vtdPassThrough: ("vtd_translate_pt", ["source id 0x%x, iova 0x%x"])
    case .vtdDescriptor: ("vtd_inv_desc", ["invalidate desc type %s high 0x%x low 0x%x"])
    case .vtdContextGlobal: ("vtd_inv_desc_cc_global", ["context invalidate globally"])
    case .vtdContextDomain: ("vtd_inv_desc_cc_domain", ["context invalidate domain 0x%x"])
    case .vtdContextDevices:
      ("vtd_inv_desc_cc_devices", ["context invalidate devices sid 0x%x fmask 0x%x"])
    case .vtdContextDevice:
      ("vtd_inv_desc_cc_device", ["context invalidate device %x:%x.%x"])
    case .vtdGlobal: ("vtd_inv_desc_iotlb_global", ["iotlb invalidate global"])
    case .vtdDomain: ("vtd_inv_desc_iotlb_domain", ["iotlb invalidate whole domain 0x%x"])
    case .vtdPages:
      ("vtd_inv_desc_iotlb_pages", ["iotlb invalidate domain 0x%x addr 0x%x mask 0x%x"])
    case .vtdPASIDPages:
      (
        "vtd_inv_desc_iotlb_pasid_pages",
        ["iotlb invalidate domain 0x%x addr 0x%x mask 0x%x pasid 0x%x"]
      )
    case .vtdPASID: ("vtd_inv_desc_iotlb_pasid", ["iotlb invalidate domain 0x%x pasid 0x%x"])
    case .vtdEntryCache: ("vtd_inv_desc_iec", ["granularity 0x%x index 0x%x mask 0x%x"])
    case .vtdWaitWrite:
      ("vtd_inv_desc_wait_sw", ["wait invalidate status write addr 0x%x data 0x%x"])
    case .vtdWaitInterrupt: ("vtd_inv_desc_wait_irq", ["%s"])
    case .vtdRegisterWrite: ("vtd_reg_write", ["addr 0x%x size 0x%x value 0x%x"])
    case .vtdRootTable: ("vtd_reg_dmar_root", ["addr 0x%x scalable %d", "addr 0x%x extended %d"])
    case .vtdInterruptTable: ("vtd_reg_ir_root", ["addr 0x%x size 0x%x"])
    case .vtdCommandRegister: ("vtd_reg_write_gcmd", ["status 0x%x value 0x%x"])
    case .vtdFaultRecord: ("vtd_frr_new", ["index %d high 0x%x low 0x%x"])
    case .vtdIOTLBReset: ("vtd_iotlb_reset", ["IOTLB reset (reason: %s"])
    case .vtdContextReset: ("vtd_context_cache_reset", [""])
    case .vtdPageWalk:
      ("vtd_page_walk_one", ["domain 0x%x iova 0x%x -> gpa 0x%x mask 0x%x perm %d"])
    case .vtdReplay:
      (
        "vtd_replay_ce_valid",
        ["%s: replay valid context device %x:%x.%x domain 0x%x hi 0x%x lo 0x%x"]
      )
    case .vtdRequest: ("vtd_ir_remap_msi_req", ["addr 0x%x data 0x%x"])
    case .vtdEntry: ("vtd_ir_irte_get", ["index %d low 0x%x high 0x%x"])
    case .vtdRemap:
      ("vtd_ir_remap", ["index %d trigger %d vector %d deliver %d dest 0x%x mode %d"])
    case .vtdMessage:
      ("vtd_ir_remap_msi", ["(addr 0x%x, data 0x%x) -> (addr 0x%x, data 0x%x)%s"])
    case .amdHit: ("amdvi_iotlb_hit", ["hit iotlb devid %x:%x.%x gpa 0x%x hpa 0x%x"])
    case .amdUpdate:
      (
        "amdvi_cache_update",
        [" update iotlb domid 0x%x devid: %x:%x.%x gpa 0x%x hpa 0x%x"]
      )
    case .amdResult: ("amdvi_translation_result", ["devid: %x:%x.%x gpa 0x%x hpa 0x%x"])
    case .amdFault:
      ("amdvi_page_fault", ["error: page fault accessing guest physical address 0x%x"])
    case .amdPages: ("amdvi_pages_inval", ["AMD-Vi pages for domain 0x%x invalidated"])
    case .amdDevice:
      ("amdvi_devtab_inval", ["device table entry for devid: %x:%x.%x invalidated"])
    case .amdInterrupts: ("amdvi_intr_inval", ["Interrupt table invalidated"])
    case .amdAll: ("amdvi_all_inval", ["Invalidation of all AMD-Vi cache requested"])
    case .amdWait:
      (
        "amdvi_completion_wait",
        ["completion wait requested with store address 0x%x and store data 0x%x"]
      )
    case .amdReset: ("amdvi_iotlb_reset", ["IOTLB exceed size limit - reset"])
    case .amdRegisterWrite:
      (
        "amdvi_mmio_write",
        [
          "%s write addr 0x%x, size %d, val 0x%x, offset 0x%x",
          "error: addr outside region: max  write addr 0x%x, size %d, val 0x%x, offset 0x%x",
        ]
      )
    case .amdRequest: ("amdvi_ir_remap_msi_req", ["addr 0x%x data 0x%x devid 0x%x"])
    case .amdEntryPlace: ("amdvi_ir_irte", ["addr 0x%x offset 0x%x"])
    case .amdEntryGA: ("amdvi_ir_irte_ga_val", ["hi 0x%x lo 0x%x"])
    case .amdEntry: ("amdvi_ir_irte_val", ["data 0x%x"])
    case .amdMessage:
      ("amdvi_ir_remap_msi", ["(addr 0x%x, data 0x%x) -> (addr 0x%x, data 0x%x)%s"])
    case .amdAbort: ("amdvi_ir_target_abort", ["%s"])
    case .amdError: ("amdvi_ir_err", ["%s"])
    // What the control register holds after a write, whatever the name says.
    case .amdControl: ("amdvi_control_status", ["MMIO_STATUS state 0x%x"])
    case .virtioAttach: ("virtio_iommu_attach", ["domain=%d endpoint=%d"])
    case .virtioDetach: ("virtio_iommu_detach", ["domain=%d endpoint=%d"])
    case .virtioMap:
      (
        "virtio_iommu_map",
        ["domain=%d virt_start=0x%x virt_end=0x%x phys_start=0x%x flags=%d"]
      )
    case .virtioUnmap: ("virtio_iommu_unmap", ["domain=%d virt_start=0x%x virt_end=0x%x"])
    case .virtioTranslate: ("virtio_iommu_translate", ["mr=%s rid=%d addr=0x%x flag=%d"])
    case .virtioOutput: ("virtio_iommu_translate_out", ["0x%x -> 0x%x for sid=%d"])
    case .virtioFault:
      ("virtio_iommu_report_fault", ["FAULT reason=%d flags=%d endpoint=%d address =0x%x"])
    case .apicDeliver:
      (
        "apic_deliver_irq",
        ["dest %d dest_mode %d delivery_mode %d vector %d trigger_mode %d"]
      )
    case .nvmeAdmin: ("pci_nvme_admin_cmd", ["cid %d sqid %d opc 0x%x"])
    case .nvmeIO: ("pci_nvme_io_cmd", ["cid %d nsid 0x%x sqid %d opc 0x%x"])
    case .nvmeBuffer: ("pci_nvme_map_addr", ["addr 0x%x len %d"])
    case .e1000eReceive:
      (
        "e1000e_rx_desc_buff_write",
        ["buffer #%d, addr: 0x%x, offset: %d, from: %s, length: %d"]
      )
    case .e1000eTransmit: ("e1000e_tx_descr", ["0x%x : %x %x", "(nil) : %x %x"])
    }
  }

  /// Alternatives of one event.
  private static let maximumPatterns = 2

  /// What may follow each event's name: `maximumPatterns` for each raw value, nothing where fewer.
  ///
  /// Never written after it is made, and never freed.
  nonisolated(unsafe) private static let patterns: UnsafePointer<LinePattern?> = {
    let count = maximumPatterns * (allCases.count + 1)
    let patterns = UnsafeMutablePointer<LinePattern?>.allocate(capacity: count)
    patterns.initialize(repeating: nil, count: count)
    for event in allCases {
      for (at, text) in event.line.patterns.prefix(maximumPatterns).enumerated() {
        patterns[maximumPatterns * Int(event.rawValue) + at] = LinePattern(text)
      }
    }
    return UnsafePointer(patterns)
  }()

  /// Reads the event's numbers from what follows its name and a blank, and moves the cursor past them
  /// where they are there.
  @inline(__always)
  func match(_ start: inout TextCursor, _ values: inout LineValues) -> Bool {
    let patterns = Self.patterns + Self.maximumPatterns * Int(rawValue)
    for at in 0..<Self.maximumPatterns {
      guard let pattern = patterns[at] else { return false }
      var cursor = start
      if pattern.match(&cursor, &values) {
        start = cursor
        return true
      }
    }
    return false
  }

  static var names: [(name: String, kind: UInt8)] {
    allCases.map { ($0.line.name, $0.rawValue) }
  }
}
