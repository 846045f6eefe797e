/// How the bytes of a file are compressed, by its first bytes.
enum Compression: String {
  case plain = "uncompressed"
  case zstd
  case gzip
  case xz
  case bzip2
  case zip
  case lz4

  /// Bytes that `init(firstBytes:)` looks at.
  static let headBytes = 12

  /// Recognises a compression; anything unknown is plain.
  init(firstBytes head: UnsafeRawBufferPointer) {
    self = .plain
    if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      self = .zstd
    } else if Self.beginsSkippableFrame(head) {
      // A container is a sequence of zstd frames which its own reader takes apart.
      self = head.dropFirst(8).starts(with: Array("NWTF".utf8)) ? .plain : .zstd
    } else if head.starts(with: [0x1f, 0x8b]) {
      self = .gzip
    } else if head.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
      self = .xz
    } else if head.starts(with: Array("BZh".utf8)), head.count > 3,
      (0x31...0x39).contains(head[3])
    {
      self = .bzip2
    } else if head.starts(with: [0x50, 0x4b, 0x03, 0x04]) {
      self = .zip
    } else if head.starts(with: [0x04, 0x22, 0x4d, 0x18])
      || head.starts(with: [0x02, 0x21, 0x4c, 0x18])
    {
      self = .lz4
    }
  }

  /// Whether the bytes begin a frame that zstd and LZ4 readers pass over.
  static func beginsSkippableFrame(_ head: UnsafeRawBufferPointer) -> Bool {
    head.count >= 4 && head[0] & 0xf0 == 0x50
      && head.dropFirst().starts(with: [0x2a, 0x4d, 0x18])
  }

  /// What the user can do about a compression that is not read here.
  private var cure: String {
    switch self {
    case .bzip2: "bunzip2 it and compress it with zstd, gzip or xz"
    case .lz4: "lz4 -d it and compress it with zstd, gzip or xz"
    default: "unpack it and give the trace inside"
    }
  }

  /// The error of data in a compression that is not read here.
  func refusal(file: String, byte: Int) -> TraceError {
    TraceError(
      file: file, place: "byte \(byte)", problem: "is \(rawValue) data, which are not read here",
      cure: cure)
  }

  /// What reads the data of a file.
  ///
  /// - Throws: an error for a compression that is recognised but not read.
  func decompressor(for input: RawInput) throws(TraceError) -> any Decompressor {
    switch self {
    case .plain: PlainBytes()
    case .zstd: ZstdDecompressor()
    case .gzip: GzipDecompressor()
    case .xz: XzDecompressor()
    case .bzip2, .zip, .lz4: throw refusal(file: input.name, byte: input.offset)
    }
  }
}
