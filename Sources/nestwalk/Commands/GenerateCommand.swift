import ArgumentParser
import Results
import TraceFile

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a trace by a pattern: the same one for the same options, on every machine.",
    discussion: """
      Sizes take K, M, G or T (powers of 1024). Patterns of a processor make records, those of devices \
      make events: DMA, mappings, and the invalidations of a driver.

      EXAMPLES:
        nestwalk generate uniform -o uniform.nwt --records 20000000 --footprint 4G
        nestwalk generate zipf -o zipf.nwt --theta 0.99 --stores 20 --seed 7
        nestwalk generate nic-ring -o ring.nwt --packets 100000 --invalidation lazy
        nestwalk generate dma-window -o window.nwt --window 1M --requests 2000000
      """,
    subcommands: [
      Uniform.self, Zipf.self, Chase.self, Stride.self, Stream.self, HashJoin.self, NICRing.self,
      DMAWindow.self, DMATenants.self, Interrupts.self,
    ])
}

/// Where a generated trace goes.
struct GeneratedOutput: ParsableArguments {
  @Option(name: .shortAndLong, help: "The container to write, or - for standard output.")
  var output: String

  @Option(help: "Effort of zstd, 1 to 19.")
  var level = ContainerWriter.defaultLevel

  @Flag(name: .shortAndLong, help: "Show no progress on the terminal.")
  var quiet = false

  func validate() throws {
    guard (1...19).contains(level) else {
      throw ValidationError("--level is \(level); expected 1 to 19.")
    }
  }

  /// Makes the trace; an option that asks for what cannot be is wrong usage.
  func write(_ pattern: GeneratorPattern) throws {
    let trace: GeneratedTrace
    do throws(GeneratorError) {
      trace = try GeneratedTrace(pattern)
    } catch {
      throw ValidationError(error.description)
    }
    try refusing {
      let file = try PendingFile(output)
      var header = ContainerHeader(producer: "nestwalk \(toolVersion)")
      header.notes = [trace.note]
      let writer = try ContainerWriter(
        descriptor: file.descriptor, file: output, header: header, level: level)
      var progress = Progress(output, isQuiet: quiet)
      let block = TraceBlock()
      var records = 0
      var events = 0
      while trace.next(into: block) {
        try writer.write(block)
        records += Int(block.counts.records)
        events += Int(block.counts.events)
        progress.show(records: records + events, bytes: 0, of: nil)
      }
      progress.end()
      let (final, bytes) = try writer.finish(header, skipped: 0)
      try file.commit()
      report(final, events: events, bytes: bytes)
    }
  }

  private func report(_ header: ContainerHeader, events: Int, bytes: Int) {
    guard let totals = header.totals else { return }
    var lines = ["records        \(grouped(totals.records))", "events         \(grouped(events))"]
    if totals.records > 0 {
      lines.append(
        "footprint      \(grouped(totals.footprint.pages)) pages of 4 KiB, "
          + "\(grouped(totals.footprint.regions2M)) regions of 2 MiB")
    }
    lines.append(
      "container      \(grouped(bytes)) bytes, \(decimal(bytes, over: totals.records + events)) a "
        + (totals.records > 0 ? "record" : "event"))
    lines += header.notes.map { "note           \($0)" }
    let text = lines.joined(separator: "\n") + "\n"
    if output == "-" { printError(text) } else { printResult(text) }
  }
}

/// A number of bytes, written as `4096`, `4K`, `2M`, `1G` or `0x1000`.
struct ByteSize: ExpressibleByArgument {
  var bytes: UInt64

  init(_ bytes: UInt64) { self.bytes = bytes }

  init?(argument: String) {
    if argument.hasPrefix("0x") {
      guard let bytes = UInt64(argument.dropFirst(2), radix: 16) else { return nil }
      self.bytes = bytes
      return
    }
    let shifts: [Character: UInt64] = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = argument.last.flatMap { shifts[$0] }
    guard let number = UInt64(shift == nil ? argument[...] : argument.dropLast()) else {
      return nil
    }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    guard !isTooLarge else { return nil }
    self.bytes = bytes
  }

  var defaultValueDescription: String {
    for (name, shift) in [("T", 40), ("G", 30), ("M", 20), ("K", 10)] as [(String, UInt64)] {
      let unit: UInt64 = 1 << shift
      if bytes >= unit, bytes % unit == 0 { return "\(bytes / unit)\(name)" }
    }
    return "\(bytes)"
  }
}
