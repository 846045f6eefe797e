/// How the misses of an LRU table fall as it grows.
public struct MissCurve: Sendable, Equatable {
  /// Which accesses: `instructions` or `data`.
  public var accesses: String
  /// Of all pages: `4K`, `2M` or `1G`.
  public var pageSize: String
  /// Sets of the table; nothing for one that is fully associative.
  public var sets: Int?
  /// Touches of pages in all.
  public var touches: Int
  /// Distinct pages, whose first touches miss in every table.
  public var pages: Int
  /// Misses by the number of ways from 1, or of entries; beyond the last they stay.
  public var misses: [Int]

  /// Creates a curve.
  ///
  /// - Parameters:
  ///   - accesses: which.
  ///   - pageSize: of all pages.
  ///   - sets: nothing for a fully associative table.
  ///   - touches: in all.
  ///   - pages: distinct.
  ///   - misses: by ways, from 1.
  public init(
    accesses: String, pageSize: String, sets: Int?, touches: Int, pages: Int, misses: [Int]
  ) {
    self.accesses = accesses
    self.pageSize = pageSize
    self.sets = sets
    self.touches = touches
    self.pages = pages
    self.misses = misses
  }
}
