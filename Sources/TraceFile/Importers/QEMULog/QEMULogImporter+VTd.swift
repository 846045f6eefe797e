extension QEMULogImporter {
  /// Invalidations and register writes of VT-d.
  ///
  /// QEMU prints a descriptor raw (`vtd_process_inv_desc`) and then what it understands of it; the
  /// latter is used only where neither a raw line nor a write of the register with the same effect
  /// (CCMD 28h, IOTLB F8h) comes first, and is then put together as a descriptor again.
  ///
  /// Source of the descriptors: Intel VT-d specification, revision 4.1, "Invalidation Queue
  /// Interface"; the fields as in `io.md`'s table are held by tests.
  mutating func handleVTdCommand(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    switch event {
    case .vtdDescriptor:
      rawInvalidation = values[1] & 0xf
      block.append(.iommuCommand, 0, values[1], values[0])
      return true
    case .vtdContextGlobal: return command(&block, 0x11)
    case .vtdContextDomain: return command(&block, 0x21 | (values[0] & 0xffff) << 16)
    case .vtdContextDevices:
      return command(&block, 0x31 | (values[0] & 0xffff) << 32 | (values[1] & 3) << 48)
    case .vtdContextDevice: return false  // One line for each device that the last line covers.
    case .vtdGlobal: return command(&block, 0x12)
    case .vtdDomain: return command(&block, 0x22 | (values[0] & 0xffff) << 16)
    case .vtdPages:
      return command(
        &block, 0x32 | (values[0] & 0xffff) << 16, values[1] & ~0xfff | values[2] & 0x3f)
    case .vtdPASIDPages:
      return command(
        &block, 0x36 | (values[0] & 0xffff) << 16 | (values[3] & 0xf_ffff) << 32,
        values[1] & ~0xfff | values[2] & 0x3f)
    case .vtdPASID:
      return command(&block, 0x26 | (values[0] & 0xffff) << 16 | (values[1] & 0xf_ffff) << 32)
    case .vtdEntryCache:
      return command(
        &block, 0x4 | (values[0] & 1) << 4 | (values[2] & 0x1f) << 27 | (values[1] & 0xffff) << 32)
    case .vtdWaitWrite:
      _ = command(&block, 0x25 | (values[1] & 0xffff_ffff) << 32, values[0] & ~3)
      block.append(.iommuCompletion, 0)
      return true
    case .vtdWaitInterrupt:
      _ = command(&block, 0x15)
      block.append(.iommuCompletion, 0)
      return true
    case .vtdRegisterWrite:
      hasRegisterWrites = true
      switch values[0] {
      case 0x28, 0x2c: rawInvalidation = 1
      case 0xf8, 0xfc: rawInvalidation = 2
      default: break
      }
      block.append(.iommuRegister, 0, values[0], values[1], values[2])
      return true
    default: return handleVTdRegister(event, values, &block)
    }
  }

  /// What QEMU prints of single registers, used where it does not print their writes.
  private mutating func handleVTdRegister(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    guard !hasRegisterWrites else { return false }
    switch event {
    case .vtdRootTable:
      // RTADDR: translation table mode 01b in bits 11:10 is scalable mode.
      block.append(.iommuRegister, 0, 0x20, 8, values[0] & ~0xfff | (values[1] & 1) << 10)
    case .vtdInterruptTable:
      // IRTA: 2^(S + 1) entries, S in bits 3:0.
      guard values[1].nonzeroBitCount == 1, 2...1 << 16 ~= values[1] else { return false }
      let size = UInt64(values[1].trailingZeroBitCount - 1)
      block.append(.iommuRegister, 0, 0xb8, 8, values[0] & ~0xfff | size)
    default: block.append(.iommuRegister, 0, 0x18, 4, values[1])
    }
    return true
  }

  /// A descriptor put together from what QEMU printed of it.
  private mutating func command(
    _ block: inout BlockBuilder, _ low: UInt64, _ high: UInt64 = 0
  ) -> Bool {
    guard rawInvalidation != low & 0xf else { return false }
    block.append(.iommuCommand, 0, low, high)
    return true
  }
}
