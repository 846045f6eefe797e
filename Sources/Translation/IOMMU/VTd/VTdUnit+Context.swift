/// From a requester to its context entry.
extension VTdUnit {
  /// What a read of a structure in memory gives.
  enum Fetch {
    case value(UInt64)
    /// The memory of this run does not have it.
    case absent
    /// No memory answers at the address: beyond the host's, or in the interrupt range.
    case refused
  }

  enum ContextFetch {
    case found(Context)
    case blocked(UInt16)
    case unresolved
  }

  /// The root table in use is a scalable-mode one.
  var isScalableNow: Bool {
    guard let root = registers.root else { return isScalable }
    return VTdRegisters.mode(of: root) == 1
  }

  /// Reads a word of a structure.
  ///
  /// Source: Intel VT-d 4.1, "Software must not place structures in the interrupt address range".
  @inline(__always)
  func fetch(_ address: UInt64, _ memory: borrowing IOMemory) -> Fetch {
    if address & reservedAddress != 0 || address >> 20 == 0xfee { return .refused }
    if let value = memory.read(address) { return .value(value) }
    return .absent
  }

  /// The context entry of a request's device: cached, recorded or read.
  @inline(__always)
  mutating func context(
    of request: DMARequest, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> ContextFetch {
    if contextCache.exists, let cached = contextCache.find(0, UInt64(request.device)) {
      contextLookups.count(hit: true)
      return .found(cached.pointee)
    }
    contextLookups.count(hit: false)
    return readContext(of: request, recorded, memory)
  }

  @inline(never)
  private mutating func readContext(
    of request: DMARequest, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> ContextFetch {
    if let words = recorded.context {
      let context = Context(low: words.low, high: words.high, filledAt: request.place.event)
      return keep(context, request)
    }
    guard let root = rootTable(memory) else { return .unresolved }
    let reads = references.structures
    let fetched = fetchContext(of: request, root, memory)
    if case .found(let context) = fetched {
      references.structures = reads + 2
      return keep(context, request)
    }
    return fetched
  }

  /// Checks what does not depend on the request, and caches the entry where it is sound.
  private mutating func keep(_ context: Context, _ request: DMARequest) -> ContextFetch {
    let isScalable = isScalableNow
    let code =
      isScalable ? Self.fault(scalable: context, reservedAddress) : fault(legacy: context)
    if let code {
      return .blocked(code)
    }
    _ = contextCache.insert(0, UInt64(request.device), context)
    return .found(context)
  }

  /// The root table: the trace's, where the memory has it, or one that its domains were written into.
  func rootTable(_ memory: borrowing IOMemory) -> UInt64? {
    if let root = registers.root {
      let table = root & VTdRootAddress.table.mask
      if case .absent = fetch(table, memory) { return tables.root }
      return root
    }
    return tables.root
  }

  /// Reads the root and context entries.
  ///
  /// Source: Intel VT-d 4.1, "Hierarchical Translation Structures" and "Fault Conditions": access,
  /// presence and reserved fields of the one before the next is read.
  func fetchContext(
    of request: DMARequest, _ root: UInt64, _ memory: borrowing IOMemory
  ) -> ContextFetch {
    let mode = VTdRegisters.mode(of: root)
    let isScalable = mode == 1
    func blocked(_ code: UInt16) -> ContextFetch {
      .blocked(isScalable ? VTdFault.scalable(code) : code)
    }
    guard mode <= 1, root & VTdRootAddress.reserved.mask == 0 else {
      return .blocked(VTdFault.rootAddressInvalid)
    }
    let device = UInt64(request.device & 0xffff)
    let entry = root & VTdRootAddress.table.mask + 16 * (device >> 8)
    guard case .value(let low) = fetch(entry, memory),
      case .value(let high) = fetch(entry + 8, memory)
    else {
      if case .refused = fetch(entry, memory) { return blocked(VTdFault.rootAccess) }
      return .unresolved
    }
    // In scalable mode device numbers from 16 up have a table of their own.
    let half = isScalable && device & 0x80 != 0 ? high : low
    guard half.has(VTdRootEntryLow.present) else { return blocked(VTdFault.rootNotPresent) }
    let reserved = VTdRootEntryLow.reserved.mask | reservedAddress
    let others = isScalable ? (low | high) & reserved : high
    guard half & reserved == 0, others == 0 else { return blocked(VTdFault.rootReserved) }
    let size: UInt64 = isScalable ? 32 : 16
    let index = isScalable ? device & 0x7f : device & 0xff
    let place = half & VTdRootEntryLow.table.mask + size * index
    guard case .value(let word0) = fetch(place, memory),
      case .value(let word1) = fetch(place + 8, memory)
    else {
      if case .refused = fetch(place, memory) { return blocked(VTdFault.contextAccess) }
      return .unresolved
    }
    guard word0.has(VTdContextLow.present) else { return blocked(VTdFault.contextNotPresent) }
    if isScalable {
      for offset in [16, 24] as [UInt64] {
        if case .value(let word) = fetch(place + offset, memory), word != 0 {
          return blocked(VTdFault.contextReserved)
        }
      }
    }
    return .found(Context(low: word0, high: word1, filledAt: request.place.event))
  }

  /// What a legacy context entry itself forbids.
  func fault(legacy context: Context) -> UInt16? {
    typealias Low = VTdContextLow
    typealias High = VTdContextHigh
    guard context.low.has(Low.present) else { return VTdFault.contextNotPresent }
    guard context.low & (Low.reserved.mask | reservedAddress) == 0,
      context.high & (High.reservedHigh.mask | High.reserved.mask) == 0
    else { return VTdFault.contextReserved }
    let width = context.high[High.width]
    guard 1...3 ~= width, levels >> UInt8(width + 2) & 1 == 1, context.low[Low.type] != 3 else {
      return VTdFault.contextInvalid
    }
    return nil
  }

  /// What a scalable-mode context entry itself forbids.
  static func fault(scalable context: Context, _ reservedAddress: UInt64) -> UInt16? {
    typealias Low = VTdScalableContextLow
    guard context.low.has(Low.present) else { return VTdFault.scalableContextNotPresent }
    guard context.low & (Low.reserved.mask | reservedAddress) == 0,
      !context.high.has(VTdScalableContextHigh.reserved)
    else { return VTdFault.scalableContextReserved }
    return nil
  }
}
