import Foundation
import Testing

@testable import TraceFile

/// The captures that these tests read where they are present.
enum Captures {
  static let folder: URL = {
    if let named = ProcessInfo.processInfo.environment["NESTWALK_DATA"] {
      return URL(filePath: named)
    }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.deletingLastPathComponent().appending(path: "shared/data")
  }()

  static func path(_ name: String) -> String { folder.appending(path: "traces/\(name)").path }

  static func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: path(name))
  }
}

/// What an importer made of a trace.
struct Imported {
  var format: TraceFormat
  var records: [TraceRecord] = []
  var notes: [String] = []
  var skipped = 0
  var trailingInstructions = 0

  var instructions: Int {
    records.reduce(trailingInstructions) { $0 + Int($1.instructions) }
  }
}

/// The records that a builder holds, which is empty afterwards.
func contents(of builder: inout BlockBuilder) throws(TraceError) -> [TraceRecord] {
  let block = TraceBlock()
  builder.finish(into: block)
  var records: [TraceRecord] = []
  try block.forEachRecord { records.append($0) }
  return records
}

/// Recognises a trace and imports all of it.
func importTrace(_ path: String, as requested: TraceFormat? = nil) throws(TraceError) -> Imported {
  let source = try ByteSource(path: path)
  let format = try TraceFormat(of: source, requested: requested)
  var imported = Imported(format: format)
  guard var importer = format.importer(of: source) else { return imported }
  var more = true
  while more {
    var block = BlockBuilder()
    more = try importer.read(into: &block)
    imported.records += try contents(of: &block)
  }
  imported.notes = importer.notes
  imported.skipped = importer.skipped
  imported.trailingInstructions = importer.trailingInstructions
  return imported
}

/// A generator of equal sequences for equal seeds: xorshift64*.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}

/// Texts after one another.
func text(_ first: String, _ rest: [UInt8] = []) -> [UInt8] { Array(first.utf8) + rest }

/// One record of `flat16`.
func flat16(
  _ address: UInt64, kind: UInt8, size: UInt8, thread: UInt16, instructions: UInt32
) -> [UInt8] {
  little(address) + [kind, size] + little(thread) + little(instructions)
}

/// One ChampSim instruction with its memory operands, by where ChampSim's header has them.
func champSim(
  ip: UInt64, loads: [UInt64] = [], stores: [UInt64] = [], asid: UInt16 = 0,
  layout: ChampSimLayout = .standard
) -> [UInt8] {
  let isStandard = layout.bytes == 64
  let registers = [UInt8](repeating: 0, count: isStandard ? 8 : 16)
  let storeSlots = stores + [UInt64](repeating: 0, count: (isStandard ? 2 : 4) - stores.count)
  let loadSlots = loads + [UInt64](repeating: 0, count: 4 - loads.count)
  return little(ip) + registers + (storeSlots + loadSlots).flatMap { little($0) }
    + (isStandard ? [] : little(asid) + [0, 0, 0, 0, 0, 0])
}
