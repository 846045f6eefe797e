/// Latency where every table reference costs the same.
///
/// Model: table entries are not cached with data; each reference has one fixed cost.
struct FlatLatency {
  let referenceCycles: Int

  /// The cycles of a walk's references, one after another.
  @inline(__always)
  func cycles(of path: borrowing WalkPath) -> Int { path.count * referenceCycles }
}
