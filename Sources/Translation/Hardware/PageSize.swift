import Machine

/// The size of a page with the 4 KiB granule, by the level of its leaf.
enum PageSize: UInt8, Comparable, Sendable, CaseIterable {
  case base4K = 0
  case large2M = 1
  case huge1G = 2

  init(_ name: PageSizeName) {
    switch name {
    case .base4K: self = .base4K
    case .large2M: self = .large2M
    case .huge1G: self = .huge1G
    }
  }

  /// The level at which its leaf entry stands.
  var leafLevel: Int { Int(rawValue) }

  /// Address bits below this one are the offset in the page.
  var shift: UInt64 { 12 + 9 * UInt64(rawValue) }

  /// Base pages in one page, as a power of two.
  var logFrames: UInt64 { 9 * UInt64(rawValue) }

  static func < (one: PageSize, other: PageSize) -> Bool { one.rawValue < other.rawValue }
}
