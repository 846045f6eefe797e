extension QEMULogImporter {
  /// Translations, commands and registers of AMD-Vi.
  ///
  /// QEMU prints `amdvi_iotlb_hit`, or `amdvi_cache_update` where the walk succeeded, and then
  /// `amdvi_translation_result` in any case (`amdvi_translate`), with an output of 0 where the walk
  /// failed. Commands are printed once executed, without their operands but for those here.
  ///
  /// Source of the commands: AMD I/O Virtualization Technology Specification, revision 3.10,
  /// "Commands": the opcode is in bits 63:60 of the first quadword.
  mutating func handleAMD(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    isAMD = true
    switch event {
    case .amdHit:
      let device = Self.device(values[0], values[1], values[2])
      beginTranslation(
        device: device, values[3], hit: 1, 0, domain: EventTag.unknownDomain, &block)
    case .amdUpdate:
      let device = Self.device(values[1], values[2], values[3])
      beginTranslation(device: device, values[4], hit: 0, 0, domain: values[0] & 0xffff, &block)
    case .amdResult: endAMDTranslation(values, &block)
    case .amdFault: amdFaultAddress = values[0]
    case .amdPages:
      // `amdvi_inval_pages` drops the domain's entries whatever the address: all pages, S and PDE.
      block.append(
        .iommuCommand, 0, 3 << 60 | (values[0] & 0xffff) << 32, 0x7fff_ffff_ffff_f003)
    case .amdDevice:
      block.append(
        .iommuCommand, 0, 2 << 60 | Self.device(values[0], values[1], values[2]))
    case .amdInterrupts:
      // The device is not printed. The kernel names the one whose entry it just changed, and QEMU
      // has no cache of interrupt entries, so that none is left behind here either.
      return false
    case .amdAll: block.append(.iommuCommand, 0, 8 << 60)
    case .amdWait:
      block.append(
        .iommuCommand, 0, 1 << 60 | values[0] & 0x000f_ffff_ffff_fff8 | 1, values[1])
      block.append(.iommuCompletion, 0)
    case .amdReset: block.append(.recordedReset, 0, 0)
    case .amdControl:
      // QEMU 7.2 prints this line and none of the write itself (`amdvi_handle_control_write`).
      block.append(.iommuRegister, 0, 0x18, 8, values[0])
    default: block.append(.iommuRegister, 0, values[0], values[1], values[2])
    }
    return true
  }

  private mutating func endAMDTranslation(_ values: LineValues, _ block: inout BlockBuilder) {
    let device = Self.device(values[0], values[1], values[2])
    let (address, output, thread) = (values[3], values[4], thread)
    let item = translations.take {
      $0.device == device && $0.thread == thread && $0.address == address
    }
    let faulted = amdFaultAddress == address
    amdFaultAddress = nil
    if let item {
      block.append(
        .recordedTranslation, device, address, item.hit, 0, item.domain, output, 0)
      return
    }
    access(device, address, &block)
    if faulted || (output == 0 && address > 0xfff) {
      // Event code 2 is IO_PAGE_FAULT; the direction is not printed.
      block.append(.recordedFault, device, 2, address, 0)
    } else {
      block.append(
        .recordedTranslation, device, address, 2, 0, EventTag.unknownDomain, output, 0)
    }
  }
}
