/// A format that traces come in, by the name that `--format` takes.
public enum TraceFormat: String, CaseIterable, Sendable {
  /// Valgrind lackey's text.
  case lackey
  /// ChampSim's 64-byte records.
  case champsim
  /// The 96-byte records of ChampSim's CloudSuite variant; never recognised, only asked for.
  case champsimCloudsuite = "champsim-cloudsuite"
  /// Dinero III's text.
  case din
  /// Dinero IV's text.
  case xdin
  /// Sixteen bytes a record.
  case flat16
  /// gem5's packet traces.
  case gem5
  /// Records and events as people write them.
  case scenario
  /// QEMU's trace log.
  case qemuLog = "qemu-log"
  /// Text of Linux's tracers, and the fault lines of its log.
  case ftrace
  /// This tool's own container.
  case nwt

  /// Recognises the format of a trace that was just opened, and consumes nothing of it.
  ///
  /// Formats with a magic number and text are recognised by content; the others only by suffix
  /// and plausible first records together.
  ///
  /// - Parameters:
  ///   - source: at its start.
  ///   - requested: what the user says it is; then only what contradicts that is refused.
  /// - Throws: what was seen, and which `--format` to give.
  public init(of source: ByteSource, requested: TraceFormat? = nil) throws(TraceError) {
    let recognition = try Recognition(source)
    if let requested {
      try recognition.check(requested)
      self = requested
    } else {
      self = try recognition.format()
    }
  }

  /// What reads a trace of this format; nothing for the container, which has its own reader.
  func importer(of source: ByteSource) -> (any RecordImporter)? {
    switch self {
    case .lackey: LackeyImporter(source)
    case .champsim: ChampSimImporter(source, .standard)
    case .champsimCloudsuite: ChampSimImporter(source, .cloudSuite)
    case .din: DineroImporter(source, .din)
    case .xdin: DineroImporter(source, .xdin)
    case .flat16: FlatImporter(source)
    case .gem5: Gem5Importer(source)
    case .scenario: ScenarioImporter(source)
    case .qemuLog: QEMULogImporter(source)
    case .ftrace: KernelTextImporter(source)
    case .nwt: nil
    }
  }
}

/// The start of a trace's decompressed data, looked at from every format's side.
private struct Recognition {
  let source: ByteSource
  let head: UnsafeRawBufferPointer

  /// Records that must look right where a format has no magic number.
  private static let recordsLookedAt = 64

  init(_ source: ByteSource) throws(TraceError) {
    self.source = source
    _ = try source.ensure(ByteSource.maximumLineBytes)
    head = source.window
    guard !head.isEmpty else {
      throw source.error(
        "byte 0", "the \(source.compression.rawValue) data hold nothing",
        "look whether the capture failed")
    }
    try refuseWrapping()
  }

  /// Refuses archives and second compressions, which other tools read as records.
  private func refuseWrapping() throws(TraceError) {
    let inside = Compression(firstBytes: head)
    if inside != .plain {
      throw source.error(
        "byte 0", "the \(source.compression.rawValue) data hold \(inside.rawValue) data",
        "decompress it once")
    }
    if head.dropFirst(257).starts(with: Array("ustar".utf8)) {
      throw source.error("byte 257", "is a tar archive", "unpack it and give the trace inside")
    }
  }

  /// The format that starts with a magic number, if this does.
  private var magicFormat: TraceFormat? {
    if head.starts(with: Gem5Importer.magic) { return .gem5 }
    if head.starts(with: ScenarioImporter.magic) { return .scenario }
    let isContainer =
      Compression.beginsSkippableFrame(head) && head[0] == 0x50
      && head.dropFirst(8).starts(with: Array("NWTF".utf8))
    return isContainer ? .nwt : nil
  }

  private var isText: Bool {
    head.prefix(4096).allSatisfy { byte in
      byte >= 0x20 && byte != 0x7f || (0x09...0x0d).contains(byte) || byte == 0x1b
    }
  }

  private var firstBytes: String {
    hexadecimal(UnsafeRawBufferPointer(rebasing: head.prefix(8)))
  }

  /// The format by content and suffix.
  func format() throws(TraceError) -> TraceFormat {
    if let magicFormat { return magicFormat }
    switch formatSuffix(of: source.name) {
    case "flat16":
      try requirePlausible(.flat16, suffix: "flat16")
      return .flat16
    case let suffix where suffix == "champsimtrace" || suffix == "champsim":
      try requirePlausible(.champsim, suffix: suffix)
      return .champsim
    default: break
    }
    if isText { return try TextLines(source).format() }
    throw source.error(
      "byte 0", "begins with \(firstBytes), as no format does that is recognised by content",
      "give --format flat16, champsim or champsim-cloudsuite")
  }

  /// Refuses a requested format that the content contradicts at its start.
  func check(_ requested: TraceFormat) throws(TraceError) {
    if let magicFormat, magicFormat != requested {
      throw source.error(
        "byte 0", "begins as \(magicFormat.rawValue) does, not \(requested.rawValue)",
        "leave out --format, or give \(magicFormat.rawValue)")
    }
    switch requested {
    case .nwt, .gem5, .scenario:
      guard magicFormat == requested else {
        throw source.error(
          "byte 0", "begins with \(firstBytes), not with the magic number of \(requested.rawValue)",
          "give another --format, or none")
      }
    case .lackey, .din, .xdin, .qemuLog, .ftrace:
      guard isText else {
        throw source.error(
          "byte 0", "is binary (\(firstBytes)) where \(requested.rawValue) is text",
          "give another --format, or none")
      }
      try TextLines(source).check(requested)
    case .flat16, .champsim, .champsimCloudsuite: try refuseText(for: requested)
    }
  }

  private func refuseText(for format: TraceFormat) throws(TraceError) {
    guard isText else { return }
    throw source.error(
      "line 1", "\(quotedLine(head)) is text where \(format.rawValue) has binary records",
      "give --format \(TextLines.names)")
  }

  private func requirePlausible(
    _ format: TraceFormat, suffix: String
  ) throws(TraceError) {
    try refuseText(for: format)
    guard let (record, oddity) = firstOddity(format) else { return }
    let isOther = format == .champsim && firstOddity(.champsimCloudsuite) == nil
    throw source.error(
      "record \(record)",
      "\(oddity), in a file with suffix .\(suffix) that begins with \(firstBytes)",
      isOther
        ? "give --format champsim-cloudsuite, which it looks like"
        : "give --format \(format.rawValue) if it is that all the same, or another")
  }

  /// The first record that does not look like one, and why.
  private func firstOddity(_ format: TraceFormat) -> (record: Int, oddity: String)? {
    let layout = format == .champsim ? ChampSimLayout.standard : .cloudSuite
    let size = format == .flat16 ? FlatRecord.bytes : layout.bytes
    for record in 0..<min(Self.recordsLookedAt, head.count / size) {
      let oddity =
        format == .flat16
        ? FlatRecord(head, at: record * size).oddity
        : ChampSimRecord(bytes: head, offset: record * size, layout: layout).oddity
      if let oddity { return (record + 1, oddity) }
    }
    return nil
  }
}

/// The suffix of a file's name once that of a compression is taken off, without its dot.
func formatSuffix(of path: String) -> String {
  var parts = path.split(separator: "/", omittingEmptySubsequences: false).last.map {
    $0.split(separator: ".", omittingEmptySubsequences: false)
  }
  if let last = parts?.last, ["zst", "gz", "xz"].contains(last) { parts?.removeLast() }
  guard let parts, parts.count > 1, let suffix = parts.last else { return "" }
  return String(suffix)
}
