import Machine
import Testing
import TraceFile

@testable import Translation

/// Events of any words in any order: a run ends with every sum right, and traps on nothing.
@Suite("Hostile events of interrupts")
struct HostileInterruptTests {
  private static let tags: [EventTag] = [
    .vcpuDefine, .vcpuIn, .vcpuOut, .vmEntry, .vmExit, .tableWrite, .iommuCommand, .iommuRegister,
    .deviceOwner, .interruptMessage, .interruptMessage, .interruptMessage, .interruptEntry,
    .recordedEntry, .recordedInterrupt, .entryOwner, .postedDefine, .postedControl,
    .postedRequest, .postedRoute, .interruptDelivery, .time,
  ]

  /// Small numbers that meet each other, registers, messages and anything at all.
  private static func word(_ random: inout SeededGenerator) -> UInt64 {
    switch UInt8.random(in: 0..<8, using: &random) {
    case 0...2: UInt64.random(in: 0..<8, using: &random)
    case 3: 0xfee0_0010 | UInt64.random(in: 0..<16, using: &random) << 5
    case 4: 0xfee0_0000 | UInt64.random(in: 0..<0x10_0000, using: &random)
    case 5: [0x18, 0xb8, 0xbc, 0, 1, .max].randomElement(using: &random) ?? 0
    case 6: UInt64.random(in: 0...(.max), using: &random)
    default: InterruptScenario.posted(0x41, UInt64.random(in: 0..<8, using: &random)).low
    }
  }

  @Test("random streams on both architectures and in every mode", arguments: 1...12)
  func random(seed: Int) throws {
    for architecture in [IOMMUArchitecture.vtd, .amdvi] {
      for mode in InterruptMode.allCases {
        var random = SeededGenerator(state: UInt64(seed))
        var scenario = InterruptScenario()
        var messages = 0
        for _ in 0..<3000 {
          let tag = Self.tags.randomElement(using: &random) ?? .time
          if tag == .interruptMessage { messages += 1 }
          scenario.add(
            tag, Self.word(&random), Self.word(&random), Self.word(&random), Self.word(&random))
        }
        let result = try scenario.replay(
          InterruptScenario.machine(mode, cacheWays: seed % 3, longEntries: seed % 2 == 0),
          architecture)
        #expect(result.interrupts("requests") == messages)
      }
    }
  }
}
