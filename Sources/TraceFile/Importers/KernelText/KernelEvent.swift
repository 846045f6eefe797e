/// The tracepoints of Linux that become events of a trace.
///
/// Sources: Linux 6.1 and 6.12, `include/trace/events/{iommu,dma,irq,sched,kvm}.h`,
/// `arch/x86/include/asm/trace/irq_vectors.h`, `arch/x86/kvm/trace.h`,
/// `arch/x86/kvm/mmu/mmutrace.h`, `drivers/iommu/intel/trace.h`. Their fields change from version to
/// version: where a line names them they are read by name, otherwise by the words between them.
enum KernelEvent: UInt8, CaseIterable {
  case iommuMap = 1
  case iommuUnmap, attachDevice, detachDevice, addToGroup, pageFault
  case queueSubmit, cacheTagAssign, cacheTagUnassign
  case dmaMapPage, dmaMapPhys, dmaMapResource, dmaAlloc, dmaAllocPages, dmaMapList
  case dmaUnmapPage, dmaUnmapPhys, dmaUnmapResource, dmaFree, dmaFreePages
  case vectorConfig, vectorUpdate, handlerEntry
  case localTimer, reschedule, callFunction, callFunctionSingle, irqWork, platformIPI
  case thermal, threshold, deferredError, error, spurious
  case contextSwitch
  case kvmEntry, kvmExit, kvmPageFault, kvmSetSPTE, kvmUnmapSPTE
  case kvmRoute, kvmAccept, kvmPostedAccept, kvmMessage, kvmInject, kvmWakeup, avicLog

  /// How an event's text is read.
  enum Shape {
    /// Keys as `name:kind`, kind `x`, `d` or `w` (a word); with `?` after it where it may be missing.
    case keys(String)
    /// Forms of different versions, as `LinePattern` writes them.
    case patterns([String])
  }

  /// The subsystem that perf prints before the name, the name, and how the rest is read.
  var line: (subsystem: String, name: String, shape: Shape) {
    switch self {
    case .iommuMap: ("iommu", "map", .keys("iova:x paddr:x size:d"))
    case .iommuUnmap: ("iommu", "unmap", .keys("iova:x size:d unmapped_size:d?"))
    case .attachDevice: ("iommu", "attach_device_to_domain", .keys("device:w"))
    case .detachDevice: ("iommu", "detach_device_from_domain", .keys("device:w"))
    case .addToGroup: ("iommu", "add_device_to_group", .keys("groupID:d device:w"))
    case .pageFault: ("iommu", "io_page_fault", .keys("iova:x flags:x"))
    case .queueSubmit:
      ("intel_iommu", "qi_submit", .patterns(["%s dmar%d: 0x%x 0x%x 0x%x 0x%x", "%s: 0x%x 0x%x"]))
    case .cacheTagAssign:
      ("intel_iommu", "cache_tag_assign", Self.cacheTag)
    case .cacheTagUnassign:
      ("intel_iommu", "cache_tag_unassign", Self.cacheTag)
    case .dmaMapPage: ("dma", "dma_map_page", Self.mapped)
    case .dmaMapPhys: ("dma", "dma_map_phys", Self.mapped)
    case .dmaMapResource: ("dma", "dma_map_resource", Self.mapped)
    case .dmaAlloc: ("dma", "dma_alloc", Self.mapped)
    case .dmaAllocPages: ("dma", "dma_alloc_pages", Self.mapped)
    case .dmaMapList: ("dma", "dma_map_sg", .keys("dir:w"))
    case .dmaUnmapPage: ("dma", "dma_unmap_page", Self.mapped)
    case .dmaUnmapPhys: ("dma", "dma_unmap_phys", Self.mapped)
    case .dmaUnmapResource: ("dma", "dma_unmap_resource", Self.mapped)
    case .dmaFree: ("dma", "dma_free", Self.mapped)
    case .dmaFreePages: ("dma", "dma_free_pages", Self.mapped)
    case .vectorConfig:
      ("irq_vectors", "vector_config", .keys("irq:d vector:d cpu:d apicdest:x?"))
    case .vectorUpdate:
      (
        "irq_vectors", "vector_update",
        .keys("irq:d vector:d cpu:d prev_vector:d prev_cpu:d")
      )
    case .handlerEntry: ("irq", "irq_handler_entry", .keys("irq:d name:w"))
    case .localTimer: Self.vector("local_timer_entry")
    case .reschedule: Self.vector("reschedule_entry")
    case .callFunction: Self.vector("call_function_entry")
    case .callFunctionSingle: Self.vector("call_function_single_entry")
    case .irqWork: Self.vector("irq_work_entry")
    case .platformIPI: Self.vector("x86_platform_ipi_entry")
    case .thermal: Self.vector("thermal_apic_entry")
    case .threshold: Self.vector("threshold_apic_entry")
    case .deferredError: Self.vector("deferred_error_apic_entry")
    case .error: Self.vector("error_apic_entry")
    case .spurious: Self.vector("spurious_apic_entry")
    case .contextSwitch:
      ("sched", "sched_switch", .keys("prev_pid:d prev_state:w next_pid:d"))
    case .kvmEntry: ("kvm", "kvm_entry", .patterns(["vcpu %d"]))
    case .kvmExit:
      (
        "kvm", "kvm_exit",
        .patterns([
          "vcpu %d reason %h rip 0x%x info1 0x%x info2 0x%x",
          "vcpu %d reason %h rip 0x%x info %x %x", "reason %h rip 0x%x info %x %x",
        ])
      )
    case .kvmPageFault:
      (
        "kvm", "kvm_page_fault",
        .patterns([
          "vcpu %d rip 0x%x address 0x%x error_code 0x%x",
          "vcpu %d address %x error_code %x", "address %x error_code %x",
        ])
      )
    case .kvmSetSPTE:
      ("kvmmmu", "kvm_mmu_set_spte", .patterns(["gfn %x spte %x (%s) level %d at %x"]))
    case .kvmUnmapSPTE:
      (
        "kvmmmu", "kvm_tdp_mmu_spte_changed",
        .patterns(["as id %d gfn %x level %d old_spte %x new_spte %x"])
      )
    case .kvmRoute:
      (
        "kvm", "kvm_pi_irte_update",
        .patterns([
          "PI is %h for irq %d, vcpu %d, gsi: 0x%x, gvec: 0x%x, pi_desc_addr: 0x%x",
          "PI is %h for irq %d, vcpu %d, gsi: 0x%x, gvec: 0x%x",
        ])
      )
    case .kvmAccept: ("kvm", "kvm_apic_accept_irq", .patterns(["apicid %x vec %d (%h|%h)"]))
    case .kvmPostedAccept:
      ("kvm", "kvm_apicv_accept_irq", .patterns(["apicid %x vec %d (%h|%h)"]))
    case .kvmMessage: ("kvm", "kvm_msi_set_irq", .patterns(["dst %x vec %d (%h|%h|%h)"]))
    case .kvmInject: ("kvm", "kvm_inj_virq", .patterns(["IRQ 0x%x", "irq %d"]))
    case .kvmWakeup: ("kvm", "kvm_vcpu_wakeup", .patterns(["%h time %d ns"]))
    case .avicLog: ("kvm", "kvm_avic_ga_log", .patterns(["vmid=%d, vcpuid=%d"]))
    }
  }

  private static let cacheTag = Shape.patterns([
    "dmar%d/%h type %h did %d pasid %d ref %d", "%s/%h type %h did %d pasid %d ref %d",
  ])
  private static let mapped = Shape.keys("dir:w dma_addr:x size:d phys_addr:x?")

  private static func vector(_ name: String) -> (String, String, Shape) {
    ("irq_vectors", name, .keys("vector:d"))
  }

  static var names: [(name: String, kind: UInt8)] {
    allCases.map { ($0.line.name, $0.rawValue) }
  }
}

/// How one event's text is read, compiled.
struct KernelEventReader: BitwiseCopyable {
  /// By raw value; never written after they are made, and never freed.
  nonisolated(unsafe) static let all: UnsafePointer<KernelEventReader> = {
    let count = KernelEvent.allCases.count + 1
    let readers = UnsafeMutablePointer<KernelEventReader>.allocate(capacity: count)
    readers.initialize(repeating: KernelEventReader(), count: count)
    for event in KernelEvent.allCases { readers[Int(event.rawValue)] = KernelEventReader(event) }
    return UnsafePointer(readers)
  }()

  private var keys: UnsafePointer<LineFields.Key>?
  private var keyCount = 0
  private var patterns: InlineArray<3, LinePattern?> = [nil, nil, nil]
  /// Of the subsystem's name.
  private(set) var subsystem: UInt64 = 0

  private init() {}

  private init(_ event: KernelEvent) {
    let line = event.line
    subsystem = TextHash.of(line.subsystem)
    switch line.shape {
    case .keys(let text):
      let words = text.split(separator: " ")
      let keys = UnsafeMutablePointer<LineFields.Key>.allocate(capacity: words.count)
      for (at, word) in words.enumerated() {
        let parts = word.split(separator: ":")
        let name = Array(parts[0].utf8) + [UInt8(ascii: "=")]
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: name.count)
        bytes.initialize(from: name, count: name.count)
        let kinds: [Character: LineFields.Key.Kind] = [
          "x": .hexadecimal, "d": .decimal, "w": .word,
        ]
        (keys + at).initialize(
          to: LineFields.Key(
            name: UnsafePointer(bytes), length: name.count,
            kind: parts[1].first.flatMap { kinds[$0] } ?? .word,
            isRequired: parts[1].last != "?"))
      }
      self.keys = UnsafePointer(keys)
      keyCount = words.count
    case .patterns(let texts):
      for (at, text) in texts.prefix(3).enumerated() { patterns[at] = LinePattern(text) }
    }
  }

  /// Reads an event's text.
  ///
  /// - Parameters:
  ///   - start: behind the name and its colon.
  ///   - values: filled with the keys' or the pattern's values.
  /// - Returns: which of the event's forms fits; nothing where none does.
  @inline(__always)
  func read(_ start: TextCursor, _ values: inout LineValues) -> Int? {
    if let keys {
      guard let fields = LineFields(start, keys, keyCount) else { return nil }
      values = fields.values
      return Int(fields.found)
    }
    for at in 0..<3 {
      guard let pattern = patterns[at] else { return nil }
      var cursor = start
      if pattern.match(&cursor, &values) { return at }
    }
    return nil
  }
}
