import Results

extension CPUCounters {
  /// Fills the counters into a result.
  func add(to result: inout RunResult) {
    result.counters["cpu.instructions"] = instructions
    result.counters["cpu.fetches"] = fetches
    result.counters["cpu.loads"] = loads
    result.counters["cpu.stores"] = stores
    result.counters["cpu.modifies"] = modifies
    result.counters["cpu.accesses"] = accesses
    result.counters["cpu.touches"] = touches
  }
}
