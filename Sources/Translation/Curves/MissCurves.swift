import Machine
import Results
import TraceFile

/// Misses of LRU tables of all sizes and associativities over one trace, for instructions and for data
/// and for pages of each size, in one pass and exactly.
///
/// A class's touches are runs, and a touch that goes on with its run is at depth 0: it hits in every
/// table. So the pass needs a block's runs alone.
///
/// Model: all pages have the curve's size, whatever the machine's policy.
public final class MissCurves {
  /// One class's pages of one size.
  private struct Stream: ~Copyable {
    var numbers = PointerTable()
    var distances = StackDistances()
    let sets: UnsafeMutablePointer<RecencySets>
    let count: Int

    init(_ setCounts: [Int]) {
      count = setCounts.count
      sets = .allocate(capacity: max(count, 1))
      for (at, number) in setCounts.enumerated() {
        (sets + at).initialize(to: RecencySets(sets: number))
      }
    }

    deinit {
      sets.deinitialize(count: count)
      sets.deallocate()
    }

    mutating func number(of page: UInt64) -> UInt32 {
      if let known = numbers[page] { return UInt32(truncatingIfNeeded: known - 1) }
      numbers.insert(page, UInt(numbers.count) + 1)
      return UInt32(truncatingIfNeeded: numbers.count - 1)
    }

    @inline(__always)
    mutating func use(_ number: UInt32, page: UInt64) {
      distances.use(number)
      for at in 0..<count { _ = sets[at].use(number, page: page) }
    }
  }

  private let setCounts: [Int]
  /// For each size that of instructions, then that of data.
  private let streams: UnsafeMutablePointer<Stream>
  /// For each size those of a block's entries.
  private let numbers: UnsafeMutablePointer<UInt32>
  private let sizes = PageSize.allCases
  /// Entries of a block at most.
  private static let mostEntries = 1 << 16

  /// - Parameter setCounts: powers of two; for each all associativities from 1 to 32.
  public init(setCounts: [Int]) {
    self.setCounts = setCounts
    streams = .allocate(capacity: 2 * PageSize.allCases.count)
    for at in 0..<(2 * PageSize.allCases.count) { (streams + at).initialize(to: Stream(setCounts)) }
    numbers = .allocate(capacity: Self.mostEntries * PageSize.allCases.count)
  }

  deinit {
    streams.deinitialize(count: 2 * sizes.count)
    streams.deallocate()
    numbers.deallocate()
  }

  /// Independent parts of the work on a block: the sizes of pages.
  public var parts: Int { sizes.count }

  /// Adds a block of the trace.
  ///
  /// - Parameter block: after those before it.
  /// - Throws: a `TraceError` where its page column is damaged.
  public func add(_ block: TraceBlock) throws(TraceError) {
    for part in 0..<parts { try add(block, part: part) }
  }

  /// Adds a block to one part; others may be at work at the same time.
  ///
  /// - Parameters:
  ///   - block: after those before it, in each part.
  ///   - part: below `parts`.
  /// - Throws: a `TraceError` where its page column is damaged.
  public func add(_ block: TraceBlock, part: Int) throws(TraceError) {
    try block.loadPages()
    let (entries, runs) = (block.entries, block.runs)
    let shift = sizes[part].logFrames
    let streams = streams + 2 * Int(sizes[part].rawValue)
    let numbers = numbers + Self.mostEntries * part
    for at in 0..<entries.count {
      let entry = entries[at]
      numbers[at] = streams[entry.isData ? 1 : 0].number(of: entry.page >> shift)
    }
    for access in 0...1 {
      streams[access].distances.reserve(streams[access].numbers.count)
    }
    var used = (fetch: 0, data: 0)
    for run in runs {
      let entry = entries[Int(run)]
      streams[entry.isData ? 1 : 0].use(numbers[Int(run)], page: entry.page >> shift)
      if entry.isData { used.data &+= 1 } else { used.fetch &+= 1 }
    }
    streams[0].distances.countRepeated(Int(block.counts.fetchTouches) - used.fetch)
    streams[1].distances.countRepeated(Int(block.counts.dataTouches) - used.data)
  }

  /// The curves of every class that has touches.
  public var curves: [MissCurve] {
    var curves: [MissCurve] = []
    for (access, name) in ["instructions", "data"].enumerated() {
      for size in sizes {
        let at = 2 * Int(size.rawValue) + access
        let touches = streams[at].distances.uses
        guard touches > 0 else { continue }
        let pages = streams[at].numbers.count
        curves.append(
          MissCurve(
            accesses: name, pageSize: Self.name(of: size), sets: nil, touches: touches,
            pages: pages, misses: streams[at].distances.misses))
        for (place, count) in setCounts.enumerated() {
          curves.append(
            MissCurve(
              accesses: name, pageSize: Self.name(of: size), sets: count, touches: touches,
              pages: pages, misses: streams[at].sets[place].misses))
        }
      }
    }
    return curves
  }

  private static func name(of size: PageSize) -> String {
    PageSizeName.allCases.first { PageSize($0) == size }?.rawValue ?? ""
  }
}
