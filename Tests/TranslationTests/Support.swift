import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// A preset with some settings changed.
func machine(_ name: String, _ settings: String...) throws -> ResolvedMachine {
  let preset = try #require(Preset.named(name))
  return try MachineDescription.load(json: preset.json, file: name, settings: settings)
}

/// What a machine makes of records.
func replay(
  _ records: [TraceRecord], on machine: ResolvedMachine, everyTouch: Bool = false,
  blockRecords: Int = .max, plan: ReplayPlan = ReplayPlan()
) throws -> RunResult {
  let replay = Replay(machine, plan, everyTouch: everyTouch)
  var builder = BlockBuilder()
  let block = TraceBlock()
  var inBlock = 0
  for record in records {
    if builder.isFull || inBlock == blockRecords {
      builder.finish(into: block)
      try replay.replay(block)
      inBlock = 0
    }
    builder.append(
      address: record.address, kind: record.kind, size: record.size, thread: record.thread,
      instructions: record.instructions)
    inBlock += 1
  }
  builder.finish(into: block)
  try replay.replay(block)
  return try replay.result(
    of: TraceIdentity(name: "test", sha256: "", records: 0, tables: "", notes: []))
}

/// What a machine makes of a trace's file.
func replay(
  _ path: String, on machine: ResolvedMachine, plan: ReplayPlan = ReplayPlan()
) throws -> RunResult {
  let replay = Replay(machine, plan)
  let reader = try TraceReader(path: path)
  let block = TraceBlock()
  while try reader.next(into: block) { try replay.replay(block) }
  let summary = try reader.finish()
  return try replay.result(
    of: TraceIdentity(
      name: summary.name, sha256: summary.sha256, records: 0, tables: "", notes: summary.notes))
}

/// Loads of one byte at some addresses, each one instruction.
func loads(_ addresses: UInt64...) -> [TraceRecord] {
  addresses.map { TraceRecord(address: $0, kind: .load, size: 1, instructions: 1) }
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
