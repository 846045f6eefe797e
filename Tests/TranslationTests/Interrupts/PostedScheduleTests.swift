import Foundation
import Machine
import Results
import Testing

@testable import Translation

/// What the preset makes of a scenario's text, with some settings changed.
func runScenario(_ text: String, _ settings: [String] = []) throws -> RunResult {
  let path = NSTemporaryDirectory() + "nestwalk-\(UUID().uuidString).scenario"
  try Data(text.utf8).write(to: URL(filePath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  let preset = try #require(Preset.named("reference-interrupts"))
  return try replay(
    path,
    on: try MachineDescription.load(json: preset.json, file: preset.name, settings: settings))
}

@Suite("A schedule of 8 virtual processors on 4 cores")
struct PostedScheduleTests {
  static func found(_ result: RunResult) -> PostedSchedule.Expected {
    PostedSchedule.Expected(
      requests: result.interrupts("requests"), direct: result.interrupts("delivery.direct"),
      pending: result.interrupts("delivery.pending"),
      merged: result.interrupts("delivery.merged"),
      misdelivered: result.interrupts("misdelivered"),
      wrongCore: result.interrupts("wrongCore"), lost: result.interrupts("lostNotifications"),
      spurious: result.interrupts("spuriousNotifications"),
      resumed: result.interrupts("delivery.resumed"),
      waiting: result.interrupts("delivery.waiting"))
  }

  @Test("what was planted is found, and nothing else", arguments: 1...12)
  func planted(seed: Int) throws {
    let schedule = PostedSchedule(seed: UInt64(seed), steps: 1200, planted: 10)
    let result = try runScenario(schedule.text)
    #expect(Self.found(result) == schedule.expected)
    #expect(schedule.expected.wrongCore == 10 && schedule.expected.lost == 10)
    #expect(schedule.expected.spurious == 10)
    #expect(Set(result.findings.map(\.rule)) == ["V18"])
    #expect(result.findings.reduce(0) { $0 + $1.count } == 30)
    #expect(schedule.expected.direct > 200 && schedule.expected.pending > 200)
  }

  @Test("the shipped schedule is the one that the generator writes")
  func shipped() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "traces/posted-schedule.scenario")
    let text = PostedSchedule(seed: 1, steps: 400, planted: 5).text
    if ProcessInfo.processInfo.environment["NESTWALK_WRITE"] != nil {
      try Data(text.utf8).write(to: file)
    }
    #expect(String(decoding: try Data(contentsOf: file), as: UTF8.self) == text)
  }

  @Test("a hypervisor that keeps its contract has no findings")
  func right() throws {
    let schedule = PostedSchedule(seed: 99, steps: 2000, planted: 1)
    let lines = schedule.lines
    // The contract alone: the model keeps descriptors where the trace does not show them.
    let text = lines.filter { !$0.hasPrefix("postedControl") }.joined(separator: "\n") + "\n"
    let result = try runScenario(text)
    #expect(result.findings.isEmpty)
    let found = Self.found(result)
    #expect(found.wrongCore + found.lost + found.spurious + found.misdelivered == 0)
    #expect(found.direct + found.pending == found.requests)
    // What was sent to a running virtual processor, the one sent to the wrong core included.
    #expect(found.direct == schedule.expected.direct + 1)
  }

  @Test("the alternatives agree in what is sent, and differ in exits")
  func alternatives() throws {
    let text = PostedSchedule(seed: 5, steps: 600, planted: 2).text
    let posted = try runScenario(text)
    let remapped = try runScenario(text, ["interrupts.mode=remapped"])
    let unchecked = try runScenario(text, ["interrupts.mode=none"])
    #expect(posted.interrupts("requests") == remapped.interrupts("requests"))
    #expect(posted.interrupts("requests") == unchecked.interrupts("requests"))
    #expect(remapped.interrupts("posted") == remapped.interrupts("requests"))
    #expect(unchecked.interrupts("passedThrough") == unchecked.interrupts("requests"))
    // Each interrupt of a running virtual processor is an exit where the host takes it.
    #expect(remapped.interrupts("exits") >= remapped.interrupts("delivery.injected"))
    #expect(unchecked.interrupts("exits") == remapped.interrupts("exits"))
    #expect(posted.interrupts("exits") < remapped.interrupts("exits"))
    #expect(
      remapped.interrupts("delivery.injected")
        == posted.interrupts("delivery.direct") + posted.interrupts("misdelivered"))
  }
}
