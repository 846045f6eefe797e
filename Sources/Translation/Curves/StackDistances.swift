/// The misses of a fully associative LRU table of every size, in one pass.
///
/// The most recent pages stand in a short list; most uses end there. The others are known by the order
/// in which they fell off its end, which is the order of their last uses: a tree of counts over that
/// order says how many are more recent than one of them, in as many steps as the order's length has
/// bits.
///
/// Source: Mattson et al. 1970 for the distances; the tree is Fenwick's, "A new data structure for
/// cumulative frequency tables", Software: Practice and Experience 24(3), 1994.
struct StackDistances: ~Copyable {
  private let recent = RecencySets(sets: 1)
  /// For each number where it fell off, plus one; 0 where it is recent or was never used.
  private var fallen: UnsafeMutablePointer<UInt32>
  private var numbers = 0
  /// Of each place how many of the pages that it stands for are there still, by Fenwick's rule.
  private var tree: UnsafeMutablePointer<UInt32>
  private var pageAt: UnsafeMutablePointer<UInt32>
  private var places = 1 << 10
  private var used = 0
  private var standing = 0
  /// Uses of pages that were not among the recent, by distance; grows with it.
  private var deep: [Int] = []
  /// Uses of pages never used before.
  private(set) var first = 0
  private var repeated = 0

  init() {
    fallen = .allocate(capacity: 1)
    tree = .allocate(capacity: places + 1)
    pageAt = .allocate(capacity: places + 1)
    tree.initialize(repeating: 0, count: places + 1)
    pageAt.initialize(repeating: 0, count: places + 1)
  }

  deinit {
    fallen.deallocate()
    tree.deallocate()
    pageAt.deallocate()
  }

  /// Makes room for numbers below `count`.
  mutating func reserve(_ count: Int) {
    guard count > numbers else { return }
    let (old, oldCount) = (fallen, numbers)
    numbers = max(2 * numbers, count, 1 << 10)
    fallen = .allocate(capacity: numbers)
    fallen.update(from: old, count: oldCount)
    (fallen + oldCount).initialize(repeating: 0, count: numbers - oldCount)
    old.deallocate()
  }

  /// Uses a page by its number.
  @inline(__always)
  mutating func use(_ number: UInt32) {
    if let off = recent.use(number, page: 0) { useOld(number, off) }
  }

  /// Counts uses that go on with the page used last.
  mutating func countRepeated(_ uses: Int) { repeated += uses }

  @inline(never)
  private mutating func useOld(_ number: UInt32, _ off: UInt32) {
    let place = Int(fallen[Int(number)])
    if place == 0 {
      first += 1
    } else {
      // As deep as the recent, and as those that fell off after it did.
      let distance = RecencySets.depth + standing - count(upTo: place)
      let at = distance - RecencySets.depth
      while deep.count <= at { deep.append(0) }
      deep[at] += 1
      add(.max, at: place)
      fallen[Int(number)] = 0
      standing -= 1
    }
    guard off != RecencySets.none else { return }
    if used == places { makeRoom() }
    used += 1
    pageAt[used] = off
    fallen[Int(off)] = UInt32(truncatingIfNeeded: used)
    add(1, at: used)
    standing += 1
  }

  private func count(upTo place: Int) -> Int {
    var (at, sum) = (place, 0)
    while at > 0 {
      sum += Int(tree[at])
      at &= at - 1
    }
    return sum
  }

  /// `more` is 1, or all ones to take one away.
  private func add(_ more: UInt32, at place: Int) {
    var at = place
    while at <= places {
      tree[at] &+= more
      at += at & -at
    }
  }

  /// Closes the gaps that pages left which were used again, and doubles the room where few are left.
  private mutating func makeRoom() {
    var kept = 0
    for at in 1...used where Int(fallen[Int(pageAt[at])]) == at {
      kept += 1
      pageAt[kept] = pageAt[at]
      fallen[Int(pageAt[kept])] = UInt32(truncatingIfNeeded: kept)
    }
    used = kept
    if 2 * kept > places {
      let old = pageAt
      places *= 2
      tree.deallocate()
      tree = .allocate(capacity: places + 1)
      pageAt = .allocate(capacity: places + 1)
      pageAt.update(from: old, count: kept + 1)
      old.deallocate()
    }
    tree.initialize(repeating: 0, count: places + 1)
    for at in 1...max(kept, 1) where at <= kept { add(1, at: at) }
  }

  /// Misses by the number of entries, from 1 to the size that misses only first uses of pages.
  var misses: [Int] {
    let recentMisses = recent.misses
    var misses = recentMisses
    var left = recentMisses.last ?? 0
    for count in deep {
      left -= count
      misses.append(left)
    }
    return misses
  }

  /// Uses in all.
  var uses: Int { recent.total + repeated }
}
