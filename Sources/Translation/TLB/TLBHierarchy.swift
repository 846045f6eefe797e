import Machine

/// A core's TLBs, and for each class of access and size of translation the ones that it probes.
struct TLBHierarchy: ~Copyable {
  private let tlbs: UnsafeMutablePointer<TLB>
  let count: Int
  /// For each chain the indices of its TLBs in the order of probes.
  private let chains: UnsafeMutablePointer<UInt8>
  private let lengths: UnsafeMutablePointer<UInt8>

  /// Classes (fetch, load, store) times sizes.
  private static var chainCount: Int { 3 * PageSize.allCases.count }

  init(_ descriptions: [TLBDescription], seed: UInt64) {
    count = descriptions.count
    tlbs = .allocate(capacity: count)
    for (index, description) in descriptions.enumerated() {
      (tlbs + index).initialize(to: TLB(description, seed: seed &+ UInt64(index)))
    }
    chains = .allocate(capacity: Self.chainCount * count)
    chains.initialize(repeating: 0, count: Self.chainCount * count)
    lengths = .allocate(capacity: Self.chainCount)
    lengths.initialize(repeating: 0, count: Self.chainCount)
    for (row, access) in [AccessClass.fetch, .load, .store].enumerated() {
      for (index, description) in descriptions.enumerated()
      where description.serves.contains(access) {
        for name in description.pageSizes {
          let chain = Self.chain(row, PageSize(name))
          chains[chain * count + Int(lengths[chain])] = UInt8(truncatingIfNeeded: index)
          lengths[chain] += 1
        }
      }
    }
  }

  deinit {
    tlbs.deinitialize(count: count)
    tlbs.deallocate()
    chains.deallocate()
    lengths.deallocate()
  }

  /// The chain of a class (0 fetch, 1 load, 2 store) and size.
  @inline(__always)
  static func chain(_ access: Int, _ size: PageSize) -> Int { 3 * access + Int(size.rawValue) }

  /// Loads and stores probe the same TLBs, and no TLB that a fetch probes first serves data first.
  ///
  /// Then a touch that goes on with the page of its class leaves every policy's state as it is, unless
  /// the policy tells a second touch from a first.
  var splitsFirstLevel: Bool {
    for index in 0..<count where tlbs[index].countsRepeats { return false }
    for size in PageSize.allCases {
      let (fetch, load, store) = (
        Self.chain(0, size), Self.chain(1, size), Self.chain(2, size)
      )
      guard lengths[load] == lengths[store] else { return false }
      for at in 0..<Int(lengths[load])
      where chains[load * count + at] != chains[store * count + at] { return false }
      for other in PageSize.allCases {
        let data = Self.chain(1, other)
        if lengths[fetch] > 0, lengths[data] > 0, chains[fetch * count] == chains[data * count] {
          return false
        }
      }
    }
    return true
  }

  /// Probes a chain's TLBs in order, and fills those before a hit.
  ///
  /// - Returns: whether one of them hit.
  @inline(__always)
  func lookup(_ chain: Int, _ tag: UInt64) -> Bool {
    if tlbs[Int(chains[chain &* count])].lookup(tag) { return true }
    return lookupFurther(chain, tag)
  }

  @inline(never)
  private func lookupFurther(_ chain: Int, _ tag: UInt64) -> Bool {
    let order = chains + chain * count
    for at in 1..<max(Int(lengths[chain]), 1) where tlbs[Int(order[at])].lookup(tag) {
      for before in stride(from: at - 1, through: 0, by: -1) { tlbs[Int(order[before])].fill(tag) }
      return true
    }
    return false
  }

  /// Fills all of a chain's TLBs after a walk, the last first.
  func fill(_ chain: Int, _ tag: UInt64) {
    let order = chains + chain * count
    for at in stride(from: Int(lengths[chain]) - 1, through: 0, by: -1) {
      tlbs[Int(order[at])].fill(tag)
    }
  }

  /// The TLB that a chain probes first.
  @inline(__always)
  func first(of chain: Int) -> UInt8 { chains[chain * count] }

  /// Counts touches that went on with the page of their class.
  func countRepeated(_ touches: Int, on chain: Int) {
    tlbs[Int(chains[chain * count])].countRepeated(touches)
  }

  /// Reads one TLB's counters.
  func withTLB<Result>(_ index: Int, _ body: (borrowing TLB) -> Result) -> Result {
    body(tlbs[index])
  }
}
