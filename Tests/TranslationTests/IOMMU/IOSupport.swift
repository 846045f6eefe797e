import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Replays a text that is written to a file for the time of the replay.
func replay(
  text: String, suffix: String = "scn", on preset: String, _ settings: [String] = [],
  image: String? = nil, checksRecorded: Bool = false
) throws -> RunResult {
  let file = FileManager.default.temporaryDirectory.appending(
    path: UUID().uuidString + "." + suffix)
  try Data(text.utf8).write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  return try replay(
    devices: file.path, on: preset, settings, image: image, checksRecorded: checksRecorded)
}

/// Replays a trace of devices.
func replay(
  devices path: String, on preset: String, _ settings: [String] = [], image: String? = nil,
  checksRecorded: Bool = false
) throws -> RunResult {
  let machine = try MachineDescription.load(
    json: try #require(Preset.named(preset)).json, file: preset, settings: settings)
  let replay = Replay(machine, checksRecorded: checksRecorded)
  if let image {
    _ = try MemoryImage.read(path: image, format: nil, base: nil) { address, bytes in
      _ = replay.addPage(at: address, bytes)
    }
  }
  let reader = try TraceReader(path: path)
  let block = TraceBlock()
  while try reader.next(into: block) { try replay.replay(block) }
  let summary = try reader.finish()
  return try replay.result(
    of: TraceIdentity(
      name: summary.name, sha256: summary.sha256, records: 0, tables: "", notes: summary.notes))
}

extension RunResult {
  /// A cell of a table as text.
  func cells(_ table: String, _ column: String) -> [String] {
    guard let table = tables.first(where: { $0.name == table }),
      let at = table.columns.firstIndex(where: { $0.name == column })
    else { return [] }
    return table.rows.map { row in
      switch row[at] {
      case .text(let text): text
      case .number(let number): String(number)
      case .hundredths(let number): String(number)
      case .empty: ""
      }
    }
  }
}

extension Captures {
  static func qemu(_ name: String) -> String { path("../qemu/" + name) }
  static let hasQEMU = exists("../qemu/vtd-lazy/trace.log.zst")
}
