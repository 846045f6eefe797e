import ArgumentParser
import TraceFile

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a trace holds.",
    discussion: """
      EXAMPLES:
        nestwalk inspect app.nwt
        nestwalk inspect app.nwt --records 0..20
        nestwalk inspect app.nwt --events 0..20
      """)

  @Argument(help: "A container or any importable trace, or - for standard input.")
  var file: String

  @Option(help: "Print these records as CSV: A..B without B, counted from 0.")
  var records: RecordRange?

  @Option(help: "Print these events as CSV: A..B without B, counted from 0.")
  var events: RecordRange?

  @OptionGroup var trace: TraceOptions

  func validate() throws {
    guard records == nil || events == nil else {
      throw ValidationError("--records and --events exclude each other.")
    }
  }

  func run() throws {
    try refusing {
      let reader = try TraceReader(path: file, format: trace.format, salvage: trace.salvage)
      if let records {
        try print(records, of: reader)
      } else if let events {
        try printEvents(events, of: reader)
      } else {
        try describe(reader)
      }
    }
  }

  /// An event a line: its number, the records before it, its name and its words by their names.
  private func printEvents(_ range: RecordRange, of reader: TraceReader) throws {
    let block = TraceBlock()
    var (start, number) = (0, 0)
    printResult("event,record,name,fields\n")
    while number < range.end, try reader.next(into: block) {
      defer { start += Int(block.counts.records) }
      try block.loadEvents()
      block.withEvents { events in
        var text = ""
        for event in events {
          if number >= range.first, number < range.end {
            text += "\(number),\(start + event.record),\(event.tag),\(Self.fields(of: event))\n"
          }
          number += 1
          if text.utf8.count > 1 << 16 {
            printResult(text)
            text = ""
          }
        }
        printResult(text)
      }
    }
  }

  private static func fields(of event: TraceEvent) -> String {
    var parts = event.tag.fields.enumerated().map { index, name in
      "\(name)=0x\(String(event[index], radix: 16))"
    }
    if event.tag == .name {
      let text = event.text.map { $0 == "," || $0.isNewline ? "_" : $0 }
      parts.append("text=" + String(text))
    }
    return parts.joined(separator: " ")
  }

  private func print(_ range: RecordRange, of reader: TraceReader) throws {
    let block = TraceBlock()
    var start = 0
    printResult("record,kind,address,size,thread,instructions\n")
    while start < range.end, try reader.next(into: block) {
      defer { start += Int(block.counts.records) }
      guard start + Int(block.counts.records) > range.first else { continue }
      var text = ""
      var at = start
      try block.forEachRecord { record in
        if at >= range.first, at < range.end {
          text += "\(at),\(record.kind),0x\(String(record.address, radix: 16)),\(record.size),"
          text += "\(record.thread),\(record.instructions)\n"
          if text.utf8.count > 1 << 16 {
            printResult(text)
            text = ""
          }
        }
        at += 1
      }
      printResult(text)
    }
  }

  private func describe(_ reader: TraceReader) throws {
    var footprint = FootprintCounter()
    var kinds = (fetches: 0, loads: 0, stores: 0, modifies: 0)
    var (blocks, records, touches, runs, instructions, events) = (0, 0, 0, 0, 0, 0)
    try reader.forEachBlock(quiet: trace.quiet) { block in
      let counts = block.counts
      try block.loadPages()
      footprint.add(block)
      blocks += 1
      records += Int(counts.records)
      kinds.fetches += Int(counts.fetches)
      kinds.loads += Int(counts.loads)
      kinds.stores += Int(counts.stores)
      kinds.modifies += Int(counts.modifies)
      touches += Int(counts.fetchTouches) + Int(counts.dataTouches)
      runs += Int(counts.transitions)
      events += Int(counts.events)
      instructions += Int(counts.instructions) + Int(counts.trailingInstructions)
    }
    let bytes = reader.bytesRead
    let header = reader.header
    let summary = try reader.finish()
    let pages = footprint.footprint
    var lines = [
      "file           \(summary.name)", "format         \(summary.format.rawValue)",
      "sha256         \(summary.sha256)",
    ]
    if let header {
      lines.append("producer       \(header.producer)")
      lines += header.sources.map { "source         \($0.name) (\($0.format), \($0.sha256))" }
      lines += header.streams.map { "stream         \($0.id): \($0.agent)" }
      lines += header.spaces.map { "space          \($0.id): \($0.kind)" }
      lines.append("clock          \(header.clock)")
      lines.append("tables         \(header.tables)")
      if let licence = header.licence { lines.append("licence        \(licence)") }
    }
    lines += [
      "blocks         \(grouped(blocks))",
      "records        \(grouped(records))  (\(grouped(kinds.fetches)) fetches, "
        + "\(grouped(kinds.loads)) loads, \(grouped(kinds.stores)) stores, "
        + "\(grouped(kinds.modifies)) modifies)",
      "instructions   \(grouped(instructions))",
      "touches        \(grouped(touches)), \(grouped(touches - records)) of them second pages",
      "page runs      \(grouped(runs))",
      "events         \(grouped(events))",
      "skipped lines  \(grouped(summary.skipped))",
      "footprint      \(grouped(pages.pages)) pages of 4 KiB "
        + "(\(grouped(pages.codePages)) with code, \(grouped(pages.dataPages)) with data), "
        + "\(grouped(pages.regions2M)) regions of 2 MiB",
      "size           \(grouped(bytes)) bytes, \(decimal(bytes, over: records)) a record",
    ]
    lines += summary.notes.map { "note           \($0)" }
    printResult(lines.joined(separator: "\n") + "\n")
  }
}
