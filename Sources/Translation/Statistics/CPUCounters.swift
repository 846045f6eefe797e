import TraceFile

/// Records of a core by kind, and instructions, from the trace's own counts.
struct CPUCounters {
  private(set) var instructions = 0
  private(set) var fetches = 0
  private(set) var loads = 0
  private(set) var stores = 0
  private(set) var modifies = 0
  private(set) var fetchTouches = 0
  private(set) var dataTouches = 0

  var accesses: Int { fetches + loads + stores + modifies }
  var touches: Int { fetchTouches + dataTouches }

  mutating func count(_ block: BlockCounts) {
    instructions += Int(block.instructions) + Int(block.trailingInstructions)
    fetches += Int(block.fetches)
    loads += Int(block.loads)
    stores += Int(block.stores)
    modifies += Int(block.modifies)
    fetchTouches += Int(block.fetchTouches)
    dataTouches += Int(block.dataTouches)
  }
}
