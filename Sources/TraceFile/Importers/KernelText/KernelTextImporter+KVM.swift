extension KernelTextImporter {
  /// What KVM tells of virtual processors.
  mutating func handleKVM(
    _ event: KernelEvent, _ values: LineValues, _ form: Int, _ block: inout BlockBuilder
  ) -> Bool {
    switch event {
    case .kvmEntry: block.append(.vmEntry, running(values[0], &block))
    case .kvmExit:
      // The oldest form names no virtual processor: it is the thread's.
      let first = form == 2 ? 0 : 1
      guard let vcpu = form == 2 ? threads.vcpu(of: thread) : running(values[0], &block) else {
        return false
      }
      let reason = KVMExitReasons.numbers[values[first]] ?? KVMExitReasons.unknown
      block.append(.vmExit, vcpu, reason, values[first + 2], values[first + 3])
    case .kvmPageFault:
      switch form {
      case 0:
        let vcpu = running(values[0], &block)
        block.append(.secondStageFault, vcpu, values[2], values[3], values[1])
      case 1: block.append(.secondStageFault, running(values[0], &block), values[1], values[2])
      default:
        guard let vcpu = threads.vcpu(of: thread) else { return false }
        block.append(.secondStageFault, vcpu, values[0], values[1])
      }
    case .kvmSetSPTE: block.append(.tableWrite, 2, values[3], values[1])
    case .kvmUnmapSPTE:
      // Where an entry is set, `kvm_mmu_set_spte` tells its address as well. Bits 2:0 are the rights
      // of an EPT entry and present, writable and user of an x86-64 one.
      let (level, old, new) = (values[2], values[3], values[4])
      guard new & 7 == 0, old & 7 != 0, 1...5 ~= level else { return false }
      block.append(.unmap, 2, values[1] << 12, 1 << (12 + 9 * (level - 1)))
    case .kvmRoute:
      block.append(
        .postedRoute, values[0] == Self.disabled ? 0 : 1, values[1], values[2], values[3],
        values[4], form == 0 ? values[5] : 0)
    case .kvmAccept, .kvmPostedAccept:
      block.append(
        .interruptAccept, values[0], values[1], Self.deliveryMode(values[2]),
        event == .kvmPostedAccept ? 1 : 0)
    case .kvmMessage:
      let isLevel = values[4] == Self.level || values[4] == Self.levelHint
      block.append(
        .softwareInterrupt, values[0], values[1], Self.deliveryMode(values[2]), isLevel ? 1 : 0)
    case .kvmInject:
      guard let vcpu = threads.vcpu(of: thread) else { return false }
      block.append(.interruptInjection, vcpu, values[0])
    case .kvmWakeup:
      guard let vcpu = threads.vcpu(of: thread) else { return false }
      block.append(.vcpuWake, vcpu, values[1], values[0] == Self.poll ? 1 : 0)
    default: block.append(.guestInterruptLog, values[0], values[1])
    }
    return true
  }

  /// The thread that is traced works for a virtual processor, so that this runs on the line's core.
  private mutating func running(_ number: UInt64, _ block: inout BlockBuilder) -> UInt64 {
    let (vcpu, left, isNew) = threads.run(thread, number, on: core)
    if let left { block.append(.vcpuOut, vcpu, left, 0) }
    if isNew { block.append(.vcpuIn, vcpu, core) }
    return vcpu
  }

  private static let disabled = TextHash.of("disabled")
  private static let level = TextHash.of("level")
  private static let levelHint = TextHash.of("level|rh")
  private static let poll = TextHash.of("poll")

  /// By the name that `kvm_deliver_mode` gives it.
  private static func deliveryMode(_ hash: UInt64) -> UInt64 {
    UInt64(deliveryModes.firstIndex(of: hash) ?? 0)
  }

  private static let deliveryModes = [
    "Fixed", "LowPrio", "SMI", "Res3", "NMI", "INIT", "SIPI", "ExtINT",
  ].map(TextHash.of)
}
