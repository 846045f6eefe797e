/// The container's fixed numbers; `Documentation/container.md` describes the whole.
///
/// A container is a run of zstd frames: a skippable frame for the header, then for each block a
/// skippable frame with its header and one compressed frame for each of its columns, then a
/// skippable frame with the index. So `zstd -d` reads any container, and a reader that does not know
/// something can pass over it by its length.
enum ContainerFormat {
  /// Skippable frames of the zstd format, "Skippable Frames": magic 0x184D2A5?, then the length.
  static let headerFrame: UInt32 = 0x184D_2A50
  static let blockFrame: UInt32 = 0x184D_2A51
  static let indexFrame: UInt32 = 0x184D_2A52
  static let frameHeadBytes = 8

  static let headerMagic: [UInt8] = Array("NWTF".utf8)
  static let indexMagic: [UInt8] = Array("NWTX".utf8)
  static let majorVersion: UInt16 = 1
  static let minorVersion: UInt16 = 0
  /// Features without which a container cannot be read; this version has none.
  static let knownFeatures: UInt64 = 0

  /// Limits, checked before anything is allocated.
  static let maximumHeaderBytes = 1 << 20
  static let maximumBlockHeaderBytes = 4096
  static let maximumRecords: UInt32 = 1 << 20
  static let maximumColumns = 64
  static let maximumColumnBytes = 32 << 20
  static let maximumBlockBytes = 64 << 20
  static let maximumFrameBytes = 1 << 30
}

/// A column of a block; numbers are never reused.
enum ColumnID: UInt16, CaseIterable {
  /// Page transitions: all that translation needs.
  case transitions = 1
  /// Kinds, sizes, threads, instruction counts, and which records open runs.
  case shapes = 2
  /// Offsets in their pages.
  case offsets = 3
  /// What happens between records.
  case events = 4
}
