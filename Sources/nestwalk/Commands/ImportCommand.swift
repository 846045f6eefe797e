import ArgumentParser
import Results
import TraceFile

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turn foreign traces into a container.",
    discussion: """
      Several inputs are parts of one trace, in the order given. Compression (zstd, gzip, xz) and \
      format are recognised; where they are not, --format says what the trace is.

      EXAMPLES:
        nestwalk import app.lackey.txt.zst -o app.nwt
        nestwalk import run.champsimtrace.xz -o run.nwt
        nestwalk import capture.bin --format flat16 -o capture.nwt
        nestwalk import long.nwt --records 0..4000000 -o start.nwt
        nestwalk import a.nwt b.nwt --interleave 10000 --as guests -o both.nwt
      """)

  @Argument(help: "Traces, or - for standard input.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: "The container to write, or - for standard output.")
  var output: String

  @OptionGroup var trace: TraceOptions

  @Option(help: "Only these records, as A..B without B, counted from 0.")
  var records: RecordRange?

  @Option(help: "Effort of zstd, 1 to 19.")
  var level = ContainerWriter.defaultLevel

  @Option(
    help: ArgumentHelp(
      "Let the inputs take turns of so many records instead of following one another.",
      valueName: "records"))
  var interleave: Int?

  @Option(name: .customLong("as"), help: "What inputs that take turns become: processes or guests.")
  var kind: Interleaver.Kind = .processes

  func validate() throws {
    if let interleave {
      guard interleave > 0 else {
        throw ValidationError("--interleave is \(interleave); expected at least 1 record.")
      }
      guard records == nil else {
        throw ValidationError("--records and --interleave exclude each other.")
      }
      guard 2...Interleaver.maximumTraces ~= inputs.count else {
        throw ValidationError(
          "--interleave takes 2 to \(Interleaver.maximumTraces) inputs, not \(inputs.count).")
      }
    }
    guard (1...19).contains(level) else {
      throw ValidationError("--level is \(level); expected 1 to 19.")
    }
    try refuseOverwriting(inputs, with: output)
  }

  func run() throws {
    try refusing {
      let file = try PendingFile(output)
      var header = ContainerHeader(producer: "nestwalk \(toolVersion)")
      let writer = try ContainerWriter(
        descriptor: file.descriptor, file: output, header: header, level: level)
      // One for all inputs: a range counts through them, as they are parts of one trace.
      var cutter = records.map { RecordCutter($0.first, $0.end) }
      var skipped = 0
      if let interleave {
        skipped = try takeTurns(of: interleave, into: writer, &header)
      }
      for input in inputs where interleave == nil {
        let reader = try TraceReader(path: input, format: trace.format, salvage: trace.salvage)
        // A container's blocks stand in their own file, so their records are built anew.
        if reader.format == .nwt, cutter == nil { cutter = RecordCutter(0, .max) }
        if let cutter {
          try reader.forEachBlock(quiet: trace.quiet) { block in
            try cutter.take(block) { (full) throws(TraceError) in try writer.write(full) }
          }
        } else {
          try reader.write(to: writer, quiet: trace.quiet)
        }
        let imported = reader.header?.sources ?? []
        let summary = try reader.finish()
        skipped += summary.skipped
        header.add(summary, madeOf: imported)
      }
      if let cutter {
        if let records, records.end > records.first, cutter.seen <= records.first {
          throw FileError(
            inputs.last ?? "-",
            "has \(cutter.seen) records, and --records begins with "
              + "\(records.first)", cure: "give a range within them")
        }
        try cutter.finish { (last) throws(TraceError) in try writer.write(last) }
      }
      if let records {
        let end = records.end == .max ? "the end" : "\(grouped(records.end))"
        header.notes.append(
          "Cut: records \(grouped(records.first)) up to \(end), without the last.")
      }
      let (final, bytes) = try writer.finish(header, skipped: skipped)
      try file.commit()
      report(final, bytes: bytes, columns: writer.columnBytes)
    }
  }

  /// Writes all inputs in turns.
  ///
  /// - Returns: lines of them that were skipped.
  private func takeTurns(
    of quantum: Int, into writer: ContainerWriter, _ header: inout ContainerHeader
  ) throws -> Int {
    let readers = try inputs.map {
      try TraceReader(path: $0, format: trace.format, salvage: trace.salvage)
    }
    let interleaver = Interleaver(readers, quantum: quantum, kind: kind)
    try interleaver.run { (block) throws(TraceError) in try writer.write(block) }
    var skipped = 0
    for reader in readers {
      let imported = reader.header?.sources ?? []
      let summary = try reader.finish()
      skipped += summary.skipped
      header.add(summary, madeOf: imported)
    }
    header.notes.append(interleaver.note)
    return skipped
  }

  private func report(_ header: ContainerHeader, bytes: Int, columns: [Int]) {
    guard let totals = header.totals else { return }
    let footprint = totals.footprint
    var lines = [
      "records        \(grouped(totals.records))",
      "instructions   \(grouped(totals.instructions))",
      "skipped lines  \(grouped(totals.skipped))",
      "footprint      \(grouped(footprint.pages)) pages of 4 KiB "
        + "(\(grouped(footprint.codePages)) with code, \(grouped(footprint.dataPages)) with data), "
        + "\(grouped(footprint.regions2M)) regions of 2 MiB",
      "container      \(grouped(bytes)) bytes, "
        + "\(decimal(bytes, over: totals.records)) a record "
        + "(page transitions \(decimal(columns[0], over: totals.records)), "
        + "shapes \(decimal(columns[1], over: totals.records)), "
        + "offsets \(decimal(columns[2], over: totals.records)))",
    ]
    lines += header.notes.map { "note           \($0)" }
    let text = lines.joined(separator: "\n") + "\n"
    if output == "-" { printError(text) } else { printResult(text) }
  }
}

extension ContainerHeader {
  /// Adds an input that was read whole.
  ///
  /// A container names what it was made of before itself.
  mutating func add(_ summary: TraceReader.Summary, madeOf imported: [Source]) {
    let own = Source(
      name: summary.name, format: summary.format.rawValue, sha256: summary.sha256)
    for source in imported + [own] where !sources.contains(source) { sources.append(source) }
    for note in summary.notes where !notes.contains(note) { notes.append(note) }
  }
}

extension Interleaver.Kind: ExpressibleByArgument {}
