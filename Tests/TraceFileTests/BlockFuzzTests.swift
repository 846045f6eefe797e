import Testing

@testable import TraceFile

@Suite("A block whose checksums are right and whose columns are nonsense")
struct BlockFuzzTests {
  /// Makes a good block, changes some bytes of one column or some count, and reads everything.
  @Test("gives records or an error, never anything worse", arguments: 0..<4)
  func nonsense(target: Int) throws {
    var random = SeededGenerator(state: UInt64(target) + 99)
    let records = mixedRecords(400, seed: 3)
    var refused = 0
    for _ in 0..<1500 {
      var builder = BlockBuilder()
      for record in records {
        builder.append(
          address: record.address, kind: record.kind, size: record.size, thread: record.thread,
          instructions: record.instructions)
      }
      let block = TraceBlock()
      builder.finish(into: block)
      change(block, target, &random)
      do throws(TraceError) {
        _ = try block.check()
      } catch {
        refused += 1
      }
    }
    // A changed offset is another offset; anything else contradicts something nearly always.
    #expect(target == 2 ? refused == 0 : refused > 1000)
  }

  private func change(
    _ block: TraceBlock, _ target: Int, _ random: inout SeededGenerator
  ) {
    func scramble(_ base: UnsafeMutableRawPointer, _ count: Int) {
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<count, using: &random)
        base.storeBytes(
          of: UInt8.random(in: 0...255, using: &random), toByteOffset: at, as: UInt8.self)
      }
    }
    switch target {
    case 0: scramble(block.transitions.base, block.transitions.count)
    case 1: scramble(block.shapes.base, block.shapes.count)
    case 2: scramble(block.offsets.base, block.offsets.count)
    default:
      let other = UInt32.random(in: 0...2000, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: block.counts.records = other
      case 1: block.counts.transitions = other
      case 2: block.counts.entries = other
      case 3: block.counts.shapes = other
      case 4: block.counts.fetchTouches = other
      default: block.counts.dataTouches = other
      }
    }
  }
}
