import ArgumentParser
import TraceFile

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a trace's records as flat16.",
    discussion: """
      flat16 is 16 little-endian bytes a record: address (8), kind (1: 0 fetch, 1 load, 2 store, \
      3 modify), size (1), thread (2), instructions (4).

      EXAMPLES:
        nestwalk export app.nwt -o app.flat16
        nestwalk export app.nwt -o - | zstd > app.flat16.zst
      """)

  @Argument(help: "A container or any importable trace, or - for standard input.")
  var file: String

  @Option(name: .shortAndLong, help: "The file to write, or - for standard output.")
  var output: String

  @OptionGroup var trace: TraceOptions

  func validate() throws { try refuseOverwriting([file], with: output) }

  func run() throws {
    try refusing {
      let reader = try TraceReader(path: file, format: trace.format, salvage: trace.salvage)
      let pending = output == "-" ? nil : try PendingFile(output)
      let descriptor = pending?.descriptor ?? 1
      var bytes: [UInt8] = []
      var tooLarge = 0
      try reader.forEachBlock(quiet: trace.quiet) { block in
        bytes.removeAll(keepingCapacity: true)
        try block.forEachRecord { record in
          withUnsafeBytes(of: record.address.littleEndian) { bytes.append(contentsOf: $0) }
          bytes.append(record.kind.rawValue)
          if record.size > 255 { tooLarge += 1 }
          bytes.append(UInt8(min(record.size, 255)))
          withUnsafeBytes(of: record.thread.littleEndian) { bytes.append(contentsOf: $0) }
          withUnsafeBytes(of: record.instructions.littleEndian) { bytes.append(contentsOf: $0) }
        }
        try writeAll(bytes, to: descriptor, file: output)
      }
      try pending?.commit()
      if tooLarge > 0 {
        printError(
          "nestwalk: \(file): \(grouped(tooLarge)) sizes above 255 were written as 255, the most "
            + "that flat16 holds")
      }
    }
  }
}
