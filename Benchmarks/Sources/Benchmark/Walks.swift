import CFloor
import Machine
import Translation

/// Nested walks of four levels over four, uniform over a footprint.
func walks(_ machine: MachineDescription, mebibytes: Int) {
  let pages = mebibytes << 8
  let trial = WalkTrial(machine, pages: pages)
  var generator = Generator()
  let count = 1 << 19
  let addresses = (0..<count).map { _ in
    UInt64.random(in: 0..<UInt64(pages) << 12, using: &generator)
  }
  let alone = trial.walkAlone(addresses)
  require(alone.references == 24 * count, "24 references a walk and those read")
  require(trial.walkBatch(addresses) == alone.sum, "the walkers' host addresses")
  require(trial.walkLockstep(addresses, gather: false) == alone, "the lock-step walker's")
  let gather = WalkTrial.hasGather
  if gather { require(trial.walkLockstep(addresses, gather: true) == alone, "the gathers'") }
  // As much memory as the tables take, read at independent places.
  let bytes = trial.tableFrames << 12
  guard let arena = floor_arena(bytes) else { return print("no memory for \(bytes) bytes") }
  defer { floor_release(arena, bytes) }
  let words = arena.assumingMemoryBound(to: UInt64.self)
  let places = (0..<2 * count).map { _ in
    UInt64.random(in: 0..<UInt64(bytes / 8), using: &generator)
  }
  var sum: UInt64 = 0
  let timings = Measure.inTurn(
    7,
    [
      ("one by one", { sum ^= trial.walkAlone(addresses).sum }),
      ("batch", { sum ^= trial.walkBatch(addresses) }),
      ("lock step", { sum ^= trial.walkLockstep(addresses, gather: false).sum }),
      ("gather", { if gather { sum ^= trial.walkLockstep(addresses, gather: true).sum } }),
      ("reads", { sum ^= floor_reads(words, places, places.count) }),
    ])
  let one = timings[0].median
  func times(_ at: Int) -> String { hundredths(one / timings[at].median) }
  func million(_ at: Int) -> String { hundredths(Double(count) / timings[at].median / 1e6) }
  print(
    """
    nested walk, \(mebibytes) MiB in \(bytes >> 20) MiB of tables, M walks/s: one by one \
    \(million(0)), batch \(million(1)) (\(times(1)) times), lock step \(million(2)) (\(times(2))), \
    \(gather ? "gathers \(million(3)) (\(times(3)))" : "no gathers here")
      two cold lines a walk: \(hundredths(timings[4].median / timings[1].median)) of the \
    independent reads that this machine does (\(hundredths(2 * Double(count) / timings[4].median / 1e6)) M/s)
    """)
  if sink(sum) { print("") }
}
