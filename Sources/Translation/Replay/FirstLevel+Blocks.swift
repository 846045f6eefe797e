import CLanes
import TraceFile

extension FirstLevel {
  /// Replays a block.
  ///
  /// - Parameters:
  ///   - block: whose pages are loaded, and its touches where some page faults.
  ///   - numbered: of the block, prepared; gets what each configuration misses.
  mutating func replay(_ block: TraceBlock, _ numbered: NumberedBlock) {
    reserve(numbered.translations)
    let uses = numbered.faults ? block.touches.count : block.runs.count
    for at in 0..<configurations { numbered.misses[at].reserve(uses) }
    if numbered.faults {
      replayTouches(block, numbered)
    } else if configurations == 1 {
      numbered.misses[0].count = replay(
        block.runs, entries: block.entries.count, indices: numbered.indices,
        words: numbered.words, into: numbered.misses[0].entries)
    } else {
      replayRuns(block, numbered)
    }
    for at in 0..<configurations {
      for access in 0...1 { numbered.missedSoFar[2 * at + access] = misses(at, access) }
    }
  }

  /// The same in many configurations.
  private mutating func replayRuns(_ block: TraceBlock, _ numbered: NumberedBlock) {
    let runs = block.runs
    guard let first = runs.baseAddress else { return }
    let (words, indices, misses) = (numbered.words, numbered.indices, numbered.misses)
    let uses = UseLog(
      entries: first, stride: 1, indices: indices, base: begin(uses: runs.count))
    let (cells, all) = (cells, all)
    for at in 0..<runs.count {
      let entry = Int(first[at])
      let index = indices[entry]
      let cell = cells + Int(index)
      cell.pointee.recent = uses.base &+ UInt32(truncatingIfNeeded: at)
      var absent = all & ~cell.pointee.resident
      while absent != 0 {
        let configuration = absent.trailingZeroBitCount
        absent &= absent &- 1
        let miss = words[entry]
        fill(index, page: miss.pageBits, configuration, uses, now: at)
        misses[configuration].append(miss)
      }
    }
  }

  /// Touch by touch, where some page has no translation and misses every time.
  private mutating func replayTouches(_ block: TraceBlock, _ numbered: NumberedBlock) {
    let touches = block.touches
    guard let first = touches.baseAddress else { return }
    let (words, indices, misses) = (numbered.words, numbered.indices, numbered.misses)
    let base = begin(uses: touches.count)
    first.withMemoryRebound(to: UInt16.self, capacity: 2 * touches.count) { halves in
      // The entry is the lower half of a touch.
      let uses = UseLog(entries: halves, stride: 2, indices: indices, base: base)
      let cells = cells
      for at in 0..<touches.count {
        let entry = Int(touches[at] & 0xffff)
        let index = indices[entry]
        cells[Int(index)].recent = base &+ UInt32(truncatingIfNeeded: at)
        let miss = words[entry].writing(touches[at] >> 16 & 3 >= 2)
        for configuration in 0..<configurations
        where cells[Int(index)].resident >> UInt32(configuration) & 1 == 0 {
          if miss.faults {
            countMiss(index, configuration)
          } else {
            fill(index, page: miss.pageBits, configuration, uses, now: at)
          }
          misses[configuration].append(miss)
        }
      }
    }
  }
}
