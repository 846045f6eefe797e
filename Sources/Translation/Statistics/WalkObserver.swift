/// Where walks go: by 2 MiB region, for those who ask which region deserves a large page.
final class WalkObserver {
  /// What walks of a region did.
  struct Region {
    var walks = 0
    var references = 0
  }

  /// By address shifted right by 21.
  private(set) var regions: [UInt64: Region] = [:]

  /// Counts a walk.
  func count(_ address: GVA, _ references: Int) {
    var region = regions[address.rawValue >> 21, default: Region()]
    region.walks += 1
    region.references += references
    regions[address.rawValue >> 21] = region
  }
}
