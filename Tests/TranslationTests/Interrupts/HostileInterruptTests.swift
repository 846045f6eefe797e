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
    .postedRequest, .postedRoute, .interruptDelivery, .time, .recordedBlock, .interruptInjection,
    .interruptAccept, .vectorUpdate, .vectorConfig, .interruptHandler, .vcpuWake,
    .guestInterruptLog, .softwareInterrupt, .faultRecord,
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

  /// A device table and interrupt tables in memory, whose words are anything.
  @Test("random tables of AMD-Vi in memory", arguments: 1...12)
  func tables(seed: Int) throws {
    var random = SeededGenerator(state: UInt64(seed))
    var scenario = InterruptScenario()
    var messages = 0
    scenario.add(.iommuRegister, 0, 0, 8, 0x10_0000)
    for _ in 0..<4000 {
      let device = UInt64.random(in: 0..<160, using: &random)
      switch UInt8.random(in: 0..<8, using: &random) {
      case 0:
        var word = UInt64.random(in: 0...(.max), using: &random)
        if Bool.random(using: &random) { word = word & ~(0xf_ffff << 32) | 1 | 2 << 60 }
        scenario.add(.tableWrite, 0, 0x10_0010 + device * 32, word)
      case 1:
        scenario.add(
          .tableWrite, 0, UInt64.random(in: 0..<0x4000, using: &random) * 8,
          UInt64.random(in: 0...(.max), using: &random))
      case 2:
        let control = UInt64.random(in: 0...(.max), using: &random) | 1
        scenario.add(.iommuRegister, 0, 0x18, 8, control)
      case 3:
        scenario.add(.iommuCommand, 0, UInt64.random(in: 4...9, using: &random) << 60 | device)
      case 4: scenario.add(.deviceOwner, device, UInt64.random(in: 0..<4, using: &random))
      default:
        messages += 1
        scenario.add(
          .interruptMessage, device, 0xfee0_0000 | UInt64.random(in: 0..<0x10_0000, using: &random),
          UInt64.random(in: 0..<0x1000, using: &random))
      }
    }
    let result = try scenario.replay(
      InterruptScenario.machine(cacheWays: seed % 3, longEntries: seed % 2 == 0), .amdvi)
    #expect(result.interrupts("requests") == messages)
    let sum = ["remapped", "posted", "passedThrough", "blocked", "unresolved"]
      .reduce(0) { $0 + result.interrupts($1) }
    #expect(sum == messages)
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
        // Requests = remapped + posted + blocked + passed through, and those that nothing decides.
        let sum = ["remapped", "posted", "passedThrough", "blocked", "unresolved"]
          .reduce(0) { $0 + result.interrupts($1) }
        #expect(sum == messages)
      }
    }
  }
}
