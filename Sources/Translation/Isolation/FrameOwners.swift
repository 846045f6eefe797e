/// Which guest owns which frames: ranges that do not overlap, in order.
struct FrameOwners {
  struct Range: BitwiseCopyable, Equatable {
    /// Frames from `first` up to `end`.
    var first: UInt64
    var end: UInt64
    /// 0 for the host.
    var guest: UInt32
    /// Others may reach the frames too.
    var isShared: Bool
    /// The event that said so.
    var since: UInt64
  }

  private(set) var ranges: [Range] = []
  /// Ranges that found no place.
  private(set) var dropped = 0

  /// A bound for hostile traces; real ones have a few ranges a guest.
  static let maximumRanges = 1 << 16

  var isEmpty: Bool { ranges.isEmpty }

  /// The place of the first range that ends behind a frame.
  private func place(of frame: UInt64) -> Int {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].end <= frame { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The range that a frame is in; nothing where nobody said whose it is.
  @inline(__always)
  func owner(of frame: UInt64) -> Range? {
    guard !ranges.isEmpty else { return nil }
    let at = place(of: frame)
    guard at < ranges.count, ranges[at].first <= frame else { return nil }
    return ranges[at]
  }

  /// Ranges with a frame in `first..<end`, cut to it.
  func overlapping(_ first: UInt64, _ end: UInt64) -> [Range] {
    var found: [Range] = []
    var at = place(of: first)
    while at < ranges.count, ranges[at].first < end {
      var range = ranges[at]
      range.first = max(range.first, first)
      range.end = min(range.end, end)
      found.append(range)
      at += 1
    }
    return found
  }

  /// Gives frames to a guest, whoever had them.
  mutating func assign(_ range: Range) {
    guard range.first < range.end else { return }
    guard ranges.count + 2 <= Self.maximumRanges else {
      dropped += 1
      return
    }
    let start = place(of: range.first)
    var at = start
    var pieces: [Range] = []
    while at < ranges.count, ranges[at].first < range.end {
      let old = ranges[at]
      if old.first < range.first {
        var piece = old
        piece.end = range.first
        pieces.append(piece)
      }
      if old.end > range.end {
        var piece = old
        piece.first = range.end
        pieces.append(piece)
      }
      at += 1
    }
    pieces.append(range)
    ranges.replaceSubrange(start..<at, with: pieces.sorted { $0.first < $1.first })
  }
}
