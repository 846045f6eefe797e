import Foundation
import Testing

@testable import TraceFile

/// An event as tests compare it.
struct SeenEvent: Equatable, CustomStringConvertible {
  var tag: EventTag
  var words: [UInt64]
  var text = ""

  init(_ tag: EventTag, _ words: UInt64...) {
    self.tag = tag
    self.words = words + [UInt64](repeating: 0, count: max(0, tag.fields.count - words.count))
  }

  init(_ event: TraceEvent) {
    tag = event.tag
    words = (0..<event.tag.fields.count).map { event[$0] }
    if event.tag == .name { text = event.text }
  }

  var description: String {
    "\(tag)(" + words.map { "0x" + String($0, radix: 16) }.joined(separator: ", ") + ")"
  }
}

/// What an importer made of a log.
struct ImportedLog {
  var format: TraceFormat
  var events: [SeenEvent] = []
  var notes: [String] = []
  var skipped = 0

  /// Without times.
  var untimed: [SeenEvent] { events.filter { $0.tag != .time } }

  func count(_ tag: EventTag) -> Int { events.count { $0.tag == tag } }
}

func importLog(path: String, as requested: TraceFormat? = nil) throws -> ImportedLog {
  let reader = try TraceReader(path: path, format: requested)
  var log = ImportedLog(format: reader.format)
  let block = TraceBlock()
  while try reader.next(into: block) {
    try block.loadEvents()
    block.withEvents { events in log.events += events.map(SeenEvent.init) }
  }
  let summary = try reader.finish()
  log.notes = summary.notes
  log.skipped = summary.skipped
  return log
}

func importLog(_ text: String, as requested: TraceFormat? = nil) throws -> ImportedLog {
  try withFile(Array(text.utf8), named: "log") { try importLog(path: $0, as: requested) }
}

/// The error that importing a log ends with.
func refusal(of text: [UInt8], as requested: TraceFormat? = nil) throws -> TraceError? {
  try withFile(text, named: "log") { path in
    do {
      _ = try importLog(path: path, as: requested)
      return nil
    } catch let error as TraceError {
      return error
    }
  }
}

/// The lines of a capture, decompressed by the library that the tests are for, split by themselves.
func captureLines(_ path: String) throws -> [Substring] {
  let source = try ByteSource(path: path)
  var bytes: [UInt8] = []
  while true {
    let text = try source.wholeLines(from: 1)
    if text.isEmpty { break }
    bytes += text
    source.consume(text.count)
  }
  return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
}

/// Where the captures of emulators and kernels are.
func qemuCapture(_ name: String) -> String {
  Captures.folder.appending(path: "qemu/\(name)").path
}

func hasCapture(_ name: String) -> Bool {
  FileManager.default.fileExists(atPath: qemuCapture(name))
}
