/// Where walks go: by page, for those who ask which pages and regions cost most, and by set.
///
/// Where someone wants to see them, it keeps whole walks too.
final class WalkObserver {
  /// What walks of a page, region or space did.
  struct Cost {
    var walks = 0
    var references = 0

    mutating func add(_ other: Cost) {
      walks += other.walks
      references += other.references
    }
  }

  /// Walks of pages that share a set.
  struct PageSet {
    var walks = 0
    /// The first page that was walked, by its number.
    var firstPage: UInt64 = 0
    /// The greatest common divisor of the others' distances from it, in pages; 0 while there is none.
    var stride: UInt64 = 0
  }

  /// By address shifted right by 12.
  private(set) var pages: [UInt64: Cost] = [:]
  /// By page number modulo their count.
  private(set) var sets: [PageSet]
  /// Walks since it was last set, address and references; nothing where they are not wanted.
  var kept: [(address: GVA, references: [TableReference])]?

  /// - Parameter sets: a power of two; 1 where nobody asks for them.
  init(sets: Int = 1) { self.sets = Array(repeating: PageSet(), count: sets) }

  /// By address shifted right by 21.
  var regions: [UInt64: Cost] {
    pages.reduce(into: [:]) { $0[$1.key >> 9, default: Cost()].add($1.value) }
  }

  /// Counts a walk.
  func count(_ address: GVA, _ path: borrowing WalkPath) {
    pages[address.frame, default: Cost()].add(Cost(walks: 1, references: path.count))
    if kept != nil {
      var references: [TableReference] = []
      for at in 0..<path.count { references.append(path[at]) }
      kept?.append((address, references))
    }
    guard sets.count > 1 else { return }
    let page = address.frame
    let index = Int(truncatingIfNeeded: page) & (sets.count - 1)
    if sets[index].walks == 0 { sets[index].firstPage = page }
    sets[index].walks += 1
    let first = sets[index].firstPage
    var (one, other) = (sets[index].stride, page > first ? page - first : first - page)
    while other != 0 { (one, other) = (other, one % other) }
    sets[index].stride = one
  }
}
