import CLanes

/// Walks many addresses at once and reads every entry of each, twenty-four of four levels over four:
/// what `Walker` without walk caches reads, lane beside lane and not one after another.
///
/// It looks and writes nothing, and shares no code with the walkers that replays use, which are held
/// against it. A lane is *plain* where every entry on its way is present, well formed and allows what
/// synthesised entries do; of others it says no more than that.
struct LockstepWalker<First: PageTableFormat, Second: PageTableFormat> {
  enum Kernel: CaseIterable {
    /// Loops over lanes that any processor runs.
    case portable
    /// Gathers of AVX-512.
    case gather

    /// This processor can run it.
    var isAvailable: Bool { self == .portable || lockstep_has_gather() != 0 }
  }

  /// The host address of a lane that is not plain.
  static var notPlain: UInt64 { .max }

  private var first: lockstep_stage
  private var second: lockstep_stage

  /// - Parameter context: of both stages, or of the first alone; it begins at the guest's root.
  init(_ context: WalkContext) {
    first = First.lockstepStage(
      root: context.first.rawValue & ~0xfff, levels: context.firstLevels, context.firstControls)
    second = Second.lockstepStage(
      root: context.second.rawValue, levels: context.secondLevels, context.secondControls)
  }

  /// Walks addresses.
  ///
  /// - Parameters:
  ///   - addresses: any.
  ///   - memory: holds the tables.
  ///   - kernel: one that is available.
  ///   - hosts: as long as `addresses`; host-physical addresses, or `notPlain`.
  ///   - references: as long; the entries read.
  mutating func walk(
    _ addresses: UnsafeBufferPointer<UInt64>, _ memory: borrowing PhysicalMemory, _ kernel: Kernel,
    hosts: UnsafeMutablePointer<UInt64>, references: UnsafeMutablePointer<UInt8>
  ) {
    guard let base = addresses.baseAddress else { return }
    var view = memory.lockstepView
    switch kernel {
    case .portable:
      lockstep_walk(&view, &first, &second, base, addresses.count, hosts, references)
    case .gather:
      lockstep_walk_gather(&view, &first, &second, base, addresses.count, hosts, references)
    }
  }
}

extension PageTableFormat {
  /// A stage of tables with the forms that its plain entries have.
  fileprivate static func lockstepStage(
    root: UInt64, levels: Int, _ controls: PagingControls
  ) -> lockstep_stage {
    var table = lockstep_form(mask: 0, value: table(at: 0))
    for level in 1..<max(levels, 2) {
      table.mask |= form(like: self.table(at: 0), isLeaf: false, level, controls).mask
    }
    table.value &= table.mask
    return lockstep_stage(
      root: root, levels: UInt32(levels), table: table,
      leaf: (
        form(like: leaf(at: 0, level: 0), isLeaf: true, 0, controls),
        form(like: leaf(at: 0, level: 1), isLeaf: true, 1, controls),
        form(like: leaf(at: 0, level: 2), isLeaf: true, 2, controls)
      ))
  }

  /// Which bits make an entry what it is: those whose change makes it another kind of entry, or none.
  private static func form(
    like entry: UInt64, isLeaf: Bool, _ level: Int, _ controls: PagingControls
  ) -> lockstep_form {
    guard !isMalformed(entry, level: level, controls) else {
      // The processor has no such pages, and nothing has this form.
      return lockstep_form(mask: 0, value: 1)
    }
    var mask: UInt64 = 0
    for bit in 0..<64 {
      let other = entry ^ 1 << UInt64(bit)
      if !isPresent(other, controls) || isMalformed(other, level: level, controls)
        || self.isLeaf(other, level: level) != isLeaf
        || rights(other, controls) != rights(entry, controls) || key(other) != key(entry)
      {
        mask |= 1 << UInt64(bit)
      }
    }
    return lockstep_form(mask: mask, value: entry & mask)
  }
}
