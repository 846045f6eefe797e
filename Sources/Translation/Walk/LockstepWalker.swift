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
    var table = EntryForm(mask: 0, value: table(at: 0))
    for level in 1..<max(levels, 2) {
      table.mask |= EntryForm.openTable(of: Self.self, level: level, controls).mask
    }
    func form(_ form: EntryForm) -> lockstep_form {
      lockstep_form(mask: form.mask, value: form.value)
    }
    func leaf(_ level: Int) -> lockstep_form {
      form(EntryForm.openLeaf(of: Self.self, level: level, controls))
    }
    table.value &= table.mask
    return lockstep_stage(
      root: root, levels: UInt32(levels), table: form(table), leaf: (leaf(0), leaf(1), leaf(2)))
  }
}
