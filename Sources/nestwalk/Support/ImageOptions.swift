import ArgumentParser
import TraceFile
import Translation

/// The image of memory in which a replay starts, and the tables that are walked in it.
struct ImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The physical memory that the run starts with: a sparse page image, a raw dump (with "
        + "--image-base) or an ELF core.", valueName: "file"))
  var image: String?

  @Option(help: "A raw image's first physical address.")
  var imageBase: Address?

  @Option(
    help: ArgumentHelp(
      "Walk the image's tables from this root instead of making tables; CR3 loads of the trace lead "
        + "to others.", valueName: "format@root"))
  var first: TableRoot?

  @Option(
    help: ArgumentHelp(
      "The image's second stage, for --first of a guest.", valueName: "format@root"))
  var second: TableRoot?

  func validate() throws {
    guard image != nil || imageBase == nil else {
      throw ValidationError("--image-base belongs to --image")
    }
    guard first == nil || image != nil, second == nil || first != nil else {
      throw ValidationError("--first belongs to --image, and --second to --first")
    }
    if let first, first.format != .x86 {
      throw ValidationError("--first has the format of guests' tables, x86-64:4 or x86-64:5")
    }
    if let second, second.format == .x86 {
      throw ValidationError("--second has the format of a second stage, ept:4 or npt:4")
    }
  }

  /// What a replay of a trace is made of.
  func plan(of reader: TraceReader) -> ReplayPlan {
    ReplayPlan(
      hasEvents: reader.mayHaveProcessorEvents,
      recorded: first.map { RecordedTables(first: $0, second: second) })
  }

  /// Gives every page of the image, if there is one.
  ///
  /// - Parameter add: takes a page's address and bytes; says whether it was new and had room.
  /// - Throws: what is wrong with the image, or the first page that was refused.
  func read(into add: (UInt64, UnsafeRawBufferPointer) -> Bool) throws {
    guard let image else { return }
    var refused: UInt64?
    _ = try MemoryImage.read(path: image, format: nil, base: imageBase?.value) {
      (address, bytes) throws(TraceError) in
      if !add(address, bytes), refused == nil { refused = address }
    }
    if let refused {
      throw FileError(
        image, "page 0x\(String(refused, radix: 16)) comes twice or finds no memory",
        cure: "give an image with each page once")
    }
  }
}
