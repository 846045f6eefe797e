import FoundationEssentials

/// What a container says of itself.
public struct ContainerHeader: Codable, Equatable, Sendable {
  /// One foreign file that was imported.
  public struct Source: Codable, Equatable, Sendable {
    /// The file's name without its folder.
    public var name: String
    /// The format it was read as.
    public var format: String
    /// Of the file as it stood, 64 lower-case hexadecimal digits.
    public var sha256: String

    /// Creates a source of its parts.
    public init(name: String, format: String, sha256: String) {
      self.name = name
      self.format = format
      self.sha256 = sha256
    }
  }

  /// An agent whose records form one sequence.
  public struct Stream: Codable, Equatable, Sendable {
    /// The number that blocks use.
    public var id: Int
    /// Such as `vcpu 0`.
    public var agent: String
  }

  /// An address space.
  public struct Space: Codable, Equatable, Sendable {
    /// The number that blocks use.
    public var id: Int
    /// `host`, `guest`, `nested guest` or `device`.
    public var kind: String
  }

  /// What is known once the last block is written.
  public struct Totals: Codable, Equatable, Sendable {
    /// Records in all blocks.
    public var records: Int
    /// Instructions retired, those after the last record included.
    public var instructions: Int
    /// Lines or records of the source that were passed over.
    public var skipped: Int
    /// Pages touched.
    public var footprint: Footprint
    /// Events by name; absent where there is none.
    public var events: [String: Int]?
  }

  /// The tool that wrote the container.
  public var producer: String
  /// In the order in which they were read.
  public var sources: [Source]
  /// Every agent.
  public var streams: [Stream]
  /// Every address space.
  public var spaces: [Space]
  /// What orders the records: `instructions`, because no importer of this version brings times.
  public var clock: String
  /// Where page tables come from: `none` where the trace brings none.
  public var tables: String
  /// An SPDX expression, where known.
  public var licence: String?
  /// What the source's format could not say and what was left out.
  public var notes: [String]
  /// Absent in a container whose writing was cut short.
  public var totals: Totals?

  /// A header for one agent in one guest's address space.
  ///
  /// - Parameter producer: the tool and its version.
  public init(producer: String) {
    self.producer = producer
    sources = []
    streams = [Stream(id: 0, agent: "vcpu 0")]
    spaces = [Space(id: 0, kind: "guest")]
    clock = "instructions"
    tables = "none"
    notes = []
  }

  /// The header's frame with at least some bytes of payload, so that it can be written again.
  ///
  /// - Parameter payloadBytes: the payload is padded to this; notes are dropped from the end where
  ///   it would be longer. 0 for no bound.
  /// - Returns: the frame.
  func encoded(payloadBytes: Int) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var header = self
    var json = Self.json(header, encoder)
    while payloadBytes > 0, json.count + Self.fixedBytes > payloadBytes, !header.notes.isEmpty {
      header.notes.removeLast()
      json = Self.json(header, encoder)
    }
    var fixed = ByteWriter()
    fixed.bytes = ContainerFormat.headerMagic
    fixed.put(ContainerFormat.majorVersion)
    fixed.put(ContainerFormat.minorVersion)
    fixed.put(UInt64(0))  // required features
    fixed.put(UInt64(0))  // optional features
    fixed.put(UInt32(json.count))
    let checksum = (fixed.bytes + json).withUnsafeBytes { crc32(of: $0) }
    fixed.put(checksum)
    let padding = max(payloadBytes - fixed.bytes.count - json.count, 0)
    var frame = ByteWriter()
    frame.put(ContainerFormat.headerFrame)
    frame.put(UInt32(fixed.bytes.count + json.count + padding))
    return frame.bytes + fixed.bytes + json + [UInt8](repeating: 0x20, count: padding)
  }

  /// Magic, versions, features, length, checksum.
  private static let fixedBytes = 4 + 2 + 2 + 8 + 8 + 4 + 4

  private static func json(_ header: ContainerHeader, _ encoder: JSONEncoder) -> [UInt8] {
    // Strings and whole numbers always encode.
    (try? encoder.encode(header)).map { [UInt8]($0) } ?? []
  }

  /// Reads what `encoded` wrote.
  ///
  /// - Parameters:
  ///   - payload: of the header's skippable frame.
  ///   - file: for errors.
  /// - Returns: the header.
  /// - Throws: what is wrong with it.
  static func decode(
    _ payload: UnsafeRawBufferPointer, file: String
  ) throws(TraceError) -> ContainerHeader {
    func refuse(_ problem: String, _ cure: String) -> TraceError {
      TraceError(file: file, place: "header", problem: problem, cure: cure)
    }
    let damaged = "the file is damaged: copy or import it again"
    var reader = ByteReader(payload)
    guard payload.count >= fixedBytes, payload.starts(with: ContainerFormat.headerMagic) else {
      throw refuse("it is not a Nestwalk container's", "import the trace with `nestwalk import`")
    }
    reader.at = 4
    let major = reader.take(UInt16.self) ?? 0
    let minor = reader.take(UInt16.self) ?? 0
    let required = reader.take(UInt64.self) ?? 0
    _ = reader.take(UInt64.self)
    let length = Int(reader.take(UInt32.self) ?? 0)
    let checksum = reader.take(UInt32.self)
    guard major == ContainerFormat.majorVersion else {
      throw refuse(
        "version \(major).\(minor), and this tool reads \(ContainerFormat.majorVersion).x",
        "import the trace again with this tool, or use the tool that wrote it")
    }
    guard required & ~ContainerFormat.knownFeatures == 0 else {
      let number = (required & ~ContainerFormat.knownFeatures).trailingZeroBitCount
      throw refuse(
        "it needs feature \(number), which this tool does not have", "use a newer nestwalk")
    }
    guard length <= payload.count - fixedBytes else {
      throw refuse("its text is \(length) bytes and only part is there", damaged)
    }
    let json = UnsafeRawBufferPointer(rebasing: payload[fixedBytes..<(fixedBytes + length)])
    let covered = [UInt8](payload[..<(fixedBytes - 4)]) + [UInt8](json)
    guard covered.withUnsafeBytes({ crc32(of: $0) }) == checksum else {
      throw refuse("its checksum does not match", damaged)
    }
    guard payload[(fixedBytes + length)...].allSatisfy({ $0 == 0x20 }) else {
      throw refuse("its padding is not blank", damaged)
    }
    guard let header = try? JSONDecoder().decode(ContainerHeader.self, from: Data(json)) else {
      throw refuse("its text does not have the keys of version \(major).\(minor)", damaged)
    }
    return header
  }
}

/// How much memory a trace touches.
public struct Footprint: Codable, Equatable, Sendable {
  /// Distinct 4 KiB pages.
  public var pages = 0
  /// Of those, pages that instructions came from.
  public var codePages = 0
  /// Of those, pages that data accesses touched; a page may be both.
  public var dataPages = 0
  /// Distinct 2 MiB regions.
  public var regions2M = 0
}

/// Counts a trace's distinct pages, a block at a time.
public struct FootprintCounter {
  private var code: Set<UInt64> = []
  private var data: Set<UInt64> = []
  private var regions: Set<UInt64> = []

  /// Counts nothing yet.
  public init() {}

  /// Adds a block's pages.
  ///
  /// - Parameter block: with its pages loaded.
  public mutating func add(_ block: TraceBlock) {
    for entry in block.entries {
      let isNew =
        entry.isData ? data.insert(entry.page).inserted : code.insert(entry.page).inserted
      if isNew { regions.insert(entry.page >> 9) }
    }
  }

  /// What was counted so far.
  public var footprint: Footprint {
    Footprint(
      pages: code.count + data.count - code.reduce(0) { $0 + (data.contains($1) ? 1 : 0) },
      codePages: code.count, dataPages: data.count, regions2M: regions.count)
  }
}
