/// Where walks go: by 2 MiB region, for those who ask which region deserves a large page, and by set.
final class WalkObserver {
  /// What walks of a region did.
  struct Region {
    var walks = 0
    var references = 0
  }

  /// Walks of pages that share a set.
  struct PageSet {
    var walks = 0
    /// The first page that was walked, by its number.
    var firstPage: UInt64 = 0
    /// The greatest common divisor of the others' distances from it, in pages; 0 while there is none.
    var stride: UInt64 = 0
  }

  /// By address shifted right by 21.
  private(set) var regions: [UInt64: Region] = [:]
  /// By page number modulo their count.
  private(set) var sets: [PageSet]

  /// - Parameter sets: a power of two; 1 where nobody asks for them.
  init(sets: Int = 1) { self.sets = Array(repeating: PageSet(), count: sets) }

  /// Counts a walk.
  func count(_ address: GVA, _ references: Int) {
    let region = address.rawValue >> 21
    regions[region, default: Region()].walks += 1
    regions[region, default: Region()].references += references
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
