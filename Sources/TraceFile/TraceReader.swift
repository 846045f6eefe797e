/// Reads any trace block by block: a container, or a foreign file through its importer.
///
/// Both ways give the same blocks of the same records, so what replays them cannot tell which it was.
public final class TraceReader {
  /// What is known of a trace once its last block was read.
  public struct Summary: Sendable, Equatable {
    /// The file's name without its folder.
    public var name: String
    /// The format that it was read as.
    public var format: TraceFormat
    /// Of the file as it stands, 64 lower-case hexadecimal digits.
    public var sha256: String
    /// Lines or records that were passed over.
    public var skipped: Int
    /// What the format could not say and what was left out.
    public var notes: [String]
  }

  private enum Input {
    case container(ContainerReader)
    case foreign(ForeignTrace)
  }

  /// An importer with the builder that it fills.
  private final class ForeignTrace {
    var importer: any RecordImporter
    var builder = BlockBuilder()

    private let file: String

    init(_ importer: any RecordImporter, file: String) {
      self.importer = importer
      self.file = file
    }

    /// Reads a block; false for the last one.
    func read(into block: TraceBlock) throws(TraceError) -> Bool {
      let goesOn = try importer.read(into: &builder)
      builder.finish(
        into: block, trailingInstructions: goesOn ? 0 : importer.trailingInstructions)
      block.place = BlockPlace(file: file)
      return goesOn
    }
  }

  private let source: ByteSource
  private let input: Input
  private var isAtEnd = false

  /// The format that the file is read as.
  public let format: TraceFormat

  /// Opens a trace.
  ///
  /// - Parameters:
  ///   - path: a file, or `-` for standard input.
  ///   - format: what the user says it is; recognised where nothing.
  ///   - salvage: give what stands before the first damage of a container that is not whole.
  /// - Throws: what was seen in a file that cannot be read, and the cure.
  public init(
    path: String, format: TraceFormat? = nil, salvage: Bool = false
  ) throws(TraceError) {
    source = try ByteSource(path: path)
    self.format = try TraceFormat(of: source, requested: format)
    if let importer = self.format.importer(of: source) {
      input = .foreign(ForeignTrace(importer, file: source.name))
    } else {
      input = .container(
        try ContainerReader(source: source, onDamage: salvage ? .salvage : .refuse))
    }
  }

  /// The path as the user gave it.
  public var name: String { source.name }

  /// The file's name without its folder, by which results call the trace wherever it lies.
  public var fileName: String { source.name.split(separator: "/").last.map(String.init) ?? name }

  /// Stored bytes read so far, for progress.
  public var bytesRead: Int { source.bytesRead }

  /// Stored bytes in all; nothing where they come through a pipe.
  public var totalBytes: Int? { source.totalBytes }

  /// The header of a container.
  public var header: ContainerHeader? {
    guard case .container(let reader) = input else { return nil }
    return reader.header
  }

  /// Whether events of processors may stand between the records: of a container its header says so,
  /// where it was written whole.
  public var mayHaveProcessorEvents: Bool {
    switch input {
    case .container(let reader):
      guard let totals = reader.header.totals else { return true }
      // Without accesses there is nothing that the events could change.
      return totals.records > 0
        && totals.events?.keys.contains { name in
          EventTag(name: Substring(name))?.isOfProcessor == true
        } == true
    case .foreign: return format == .scenario
    }
  }

  /// Reads the next block.
  ///
  /// - Parameters:
  ///   - block: what it held is gone.
  ///   - inflates: make the block's pages, or the events of a foreign file, available at once; a
  ///     caller that wants to do that elsewhere, by `loadPages`, meets damage of the column there.
  /// - Returns: false after the last block.
  /// - Throws: the first place where the file is not what it should be, and the cure.
  public func next(into block: TraceBlock, inflates: Bool = true) throws(TraceError) -> Bool {
    guard !isAtEnd else { return false }
    switch input {
    case .container(let reader):
      isAtEnd = !(try reader.next(into: block, inflates: inflates))
      return !isAtEnd
    case .foreign(let trace):
      isAtEnd = !(try trace.read(into: block))
      // An input may end with its last full block, or have instructions and no records.
      if inflates { try block.loadEvents() }
      return !isAtEnd || block.counts.records > 0 || block.counts.events > 0
        || block.counts.trailingInstructions > 0
    }
  }

  /// Reads the file to its end for its hash; nothing can be read afterwards.
  ///
  /// - Returns: what is known once every block was read.
  /// - Throws: an error of the system while reading.
  public func finish() throws(TraceError) -> Summary {
    var notes: [String]
    var skipped = 0
    switch input {
    case .container(let reader):
      notes = reader.header.notes
      skipped = reader.header.totals?.skipped ?? 0
      if let damage = reader.damage {
        notes.append(
          "Salvaged: the container is not whole (\(damage.place): \(damage.problem)), and only "
            + "what stands before that was read.")
      }
      for (count, what) in [
        (reader.unknownFrames, "frames"), (reader.unknownColumns, "columns"),
        (reader.unknownEvents, "events"),
      ] where count > 0 {
        notes.append("Of a newer version, passed over by this one: \(count) \(what).")
      }
    case .foreign(let trace):
      notes = trace.importer.notes
      skipped = trace.importer.skipped
    }
    return Summary(
      name: fileName, format: format, sha256: try source.finish(), skipped: skipped,
      notes: notes)
  }
}
