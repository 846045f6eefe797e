/// The first lines of a text trace, held against every text format's grammar.
struct TextLines {
  private let source: ByteSource
  private var fits: [TraceFormat: Int] = [:]
  private var lines = 0
  private var firstMisfit: [TraceFormat: (line: Int, text: String)] = [:]
  private var firstLine = ""

  private static let formats: [TraceFormat] = [.lackey, .din, .xdin, .qemuLog, .ftrace]
  /// Formats whose lines may stand among others.
  private static let mixed: Set<TraceFormat> = [.lackey, .qemuLog, .ftrace]

  /// The formats' names as a sentence lists them.
  static var names: String {
    formats.dropLast().map(\.rawValue).joined(separator: ", ") + " or "
      + (formats.last?.rawValue ?? "")
  }

  private static let maximumLines = 1000

  /// Reads lines that the source has in its window, without consuming them.
  init(_ source: ByteSource) throws(TraceError) {
    self.source = source
    let text = try source.wholeLines(from: 1)
    guard let first = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    let end = first + text.count
    var place = first
    firstLine = quotedLine(text)
    while place < end, lines < Self.maximumLines {
      lines += 1
      var rest = TextCursor(place)
      let line = UnsafeRawBufferPointer(start: place, count: rest.takeRestOfLine())
      for format in Self.formats {
        if Self.fits(TextCursor(place), format) {
          fits[format, default: 0] += 1
        } else if firstMisfit[format] == nil {
          firstMisfit[format] = (lines, quotedLine(line))
        }
      }
      place = rest.place
    }
  }

  private static func fits(_ start: TextCursor, _ format: TraceFormat) -> Bool {
    var cursor = start
    return switch format {
    case .lackey: LackeyLine(&cursor) != nil
    case .din: (try? DineroLine(&cursor, .din)) != nil
    case .xdin: (try? DineroLine(&cursor, .xdin)) != nil
    case .qemuLog: QEMULogImporter.fits(cursor)
    case .ftrace: KernelTextImporter.fits(cursor)
    default: false
    }
  }

  /// The one format that the lines fit.
  func format() throws(TraceError) -> TraceFormat {
    let found = Self.formats.filter { fits[$0, default: 0] > 0 }
    guard let format = found.first else {
      throw source.error(
        "line 1", "\(firstLine) fits no text format, nor does any line up to line \(lines)",
        "give --format \(Self.names) if it is one all the same")
    }
    guard found.count == 1 else {
      throw source.error(
        "line 1",
        "\(firstLine) begins lines of which some fit \(found[0].rawValue), some "
          + found[1].rawValue,
        "give --format \(found[0].rawValue) or --format \(found[1].rawValue)")
    }
    if !Self.mixed.contains(format), let (line, text) = firstMisfit[format] {
      throw source.error(
        "line \(line)", "\(text) does not fit \(format.rawValue), as other lines do",
        "mend the line or cut it out")
    }
    return format
  }

  /// Refuses lines that do not fit a requested format at all; its importer finds single ones.
  func check(_ requested: TraceFormat) throws(TraceError) {
    guard fits[requested, default: 0] == 0 else { return }
    let (line, text) = firstMisfit[requested] ?? (1, firstLine)
    throw source.error(
      "line \(line)",
      "\(text) does not fit \(requested.rawValue), nor does any line up to line \(lines)",
      "give another --format, or none")
  }
}
