/// Everything of a record but where it goes: a program's few combinations of kind, size, thread
/// and instruction count, so that a record is one small number.
struct RecordShape: Equatable {
  /// In one word, so that shapes hash and compare as one: instructions 63:32, thread 31:16, size
  /// 15:4, crosses 3, opensRun 2, kind 1:0.
  var packed: UInt64

  init(packed: UInt64) { self.packed = packed }

  @inline(__always)
  init(
    kind: AccessKind, opensRun: Bool, crosses: Bool, size: UInt16, thread: UInt16,
    instructions: UInt32
  ) {
    packed =
      UInt64(kind.rawValue) | (opensRun ? 4 : 0) | (crosses ? 8 : 0) | UInt64(size) << 4
      | UInt64(thread) << 16 | UInt64(instructions) << 32
  }

  /// Two bits cannot name a kind that does not exist.
  var kind: AccessKind { AccessKind(rawValue: UInt8(packed & 3)) ?? .fetch }
  /// The record's page is not the one that its class touched last.
  var opensRun: Bool { packed & 4 != 0 }
  /// The record touches the next page too, which opens a run of its own.
  var crosses: Bool { packed & 8 != 0 }
  var size: UInt16 { UInt16(packed >> 4 & 0xfff) }
  var thread: UInt16 { UInt16(packed >> 16 & 0xffff) }
  var instructions: UInt32 { UInt32(packed >> 32) }

  static let bytes = 8
}
