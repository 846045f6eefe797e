import CLanes

/// The way from an address to its leaf, which the memo spares most lanes.
extension BatchWalker {
  /// The first stage's leaf of an address, by the memo or by reading down to it.
  @inline(__always)
  mutating func firstLeaf(
    _ address: GVA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    if First.accepts(address.rawValue, levels: context.firstLevels),
      let known = firstMemo.leaf(of: address.rawValue)
    {
      return known
    }
    return descendFirst(address, context, memory)
  }

  @inline(never)
  private mutating func descendFirst(
    _ address: GVA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    let controls = context.firstControls
    guard context.start == .guest, First.accepts(address.rawValue, levels: context.firstLevels)
    else { return LeafMemo.Leaf() }
    var leaf = LeafMemo.Leaf()
    leaf.level = context.firstLevels - 1
    var table = context.first
    while true {
      let index = address.index(at: leaf.level)
      guard
        let words = words(of: GPA(table.rawValue & ~0xfff | 8 * index), &leaf, context, memory)
      else { return LeafMemo.Leaf() }
      if leaf.level == 0 {
        return firstMemo.keep(address.rawValue, leaf, table: words)
      }
      let entry = words + Int(index)
      let value = entry.pointee
      guard First.isPresent(value, controls),
        !First.isMalformed(value, level: leaf.level, controls)
      else { return LeafMemo.Leaf() }
      if First.isLeaf(value, level: leaf.level) {
        return firstMemo.keep(address.rawValue, leaf, entry: entry)
      }
      leaf.rights.formIntersection(First.rights(value, controls))
      let clear = First.accessed(controls) & ~value
      guard clear == 0 || leaf.isWritable else { return LeafMemo.Leaf() }
      set(clear, in: entry)
      table = GPA(First.address(in: value, leafLevel: 0))
      leaf.level -= 1
    }
  }

  /// The entries of a first-stage table, found in the second stage with what that needs and sets.
  private mutating func words(
    of entry: GPA, _ leaf: inout LeafMemo.Leaf, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory
  ) -> UnsafeMutablePointer<UInt64>? {
    leaf.isWritable = true
    guard context.secondLevels > 0 else { return memory.words(in: entry.frame) }
    let controls = context.secondControls
    let needs = Second.tableAccess(controls)
    let found = secondLeaf(entry, context, memory)
    guard let place = found.entry else { return nil }
    let value = place.pointee
    let rights = found.rights.intersection(Second.rights(value, controls))
    guard Second.isPresent(value, controls),
      !Second.isMalformed(value, level: found.level, controls),
      Second.denial(of: needs, rights, key: Second.key(value), controls) == nil
    else { return nil }
    let flags =
      Second.accessed(controls) | (needs.contains(.write) ? Second.dirty(controls) : 0)
    set(flags & ~value, in: place)
    leaf.isWritable = rights.contains(.write)
    let inPage: UInt64 = 1 << UInt64(12 + 9 * found.level) - 1
    let host = Second.address(in: value, leafLevel: found.level) | entry.rawValue & inPage
    return memory.words(in: host >> 12)
  }

  /// The second stage's leaf of an address, likewise.
  @inline(__always)
  mutating func secondLeaf(
    _ address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    secondMemo.leaf(of: address.rawValue) ?? descendSecond(address, context, memory)
  }

  @inline(never)
  private mutating func descendSecond(
    _ address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    let controls = context.secondControls
    guard Second.accepts(address.rawValue, levels: context.secondLevels) else {
      return LeafMemo.Leaf()
    }
    var leaf = LeafMemo.Leaf()
    leaf.level = context.secondLevels - 1
    leaf.isWritable = true
    var table = context.second
    while true {
      guard let words = memory.words(in: table.frame) else { return LeafMemo.Leaf() }
      if leaf.level == 0 {
        return secondMemo.keep(address.rawValue, leaf, table: words)
      }
      let entry = words + Int(address.index(at: leaf.level))
      let value = entry.pointee
      guard Second.isPresent(value, controls),
        !Second.isMalformed(value, level: leaf.level, controls)
      else { return LeafMemo.Leaf() }
      if Second.isLeaf(value, level: leaf.level) {
        return secondMemo.keep(address.rawValue, leaf, entry: entry)
      }
      leaf.rights.formIntersection(Second.rights(value, controls))
      set(Second.accessed(controls) & ~value, in: entry)
      table = HPA(Second.address(in: value, leafLevel: 0))
      leaf.level -= 1
    }
  }
}
