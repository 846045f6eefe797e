import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// What a scenario's text gives on a machine.
func replay(scenario text: String, on machine: ResolvedMachine) throws -> RunResult {
  let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).txt")
  try Data(("nestwalk scenario 1\n" + text).utf8).write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  return try replay(file.path, on: machine, plan: ReplayPlan(hasEvents: true))
}

/// Walks counted by hand: a touch walks where no TLB has its page under the tags of the moment.
@Suite("Address spaces, guests and invalidations in a replay")
struct GuestReplayTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var scenario: String
    var settings: [String] = []
    var walks: Int
    var testDescription: String { name }
    init(_ name: String, _ scenario: String, _ settings: String..., walks: Int) {
      self.name = name
      self.scenario = scenario
      self.settings = settings
      self.walks = walks
    }
  }

  private static let page = "load 0x7f0000001000 8\n"
  private static let other = "load 0x7f0000002000 8\n"

  static let rows = [
    Row("two touches of a page", page + page, walks: 1),
    // Two address spaces map one virtual page to frames of their own.
    Row(
      "CR3 loads between PCIDs, flushing",
      "cr3 value=0x1001\n" + page + "cr3 value=0x2002\n" + page + "cr3 value=0x1001\n" + page,
      walks: 3),
    Row(
      "CR3 loads between PCIDs, bit 63 set",
      "cr3 value=0x1001\n" + page + "cr3 value=0x2002\n" + page
        + "cr3 value=0x1001 noFlush=1\n" + page, walks: 2),
    // The second space takes PCID 1 over without a flush, so its page hits the first one's entry.
    Row(
      "a PCID that is reused without a flush hits the old space's entry",
      "cr3 value=0x1001\n" + page + "cr3 value=0x2001 noFlush=1\n" + page, walks: 1),
    Row(
      "without PCIDs every CR3 load flushes, whatever bit 63 says",
      "cr3 value=0x1001\n" + page + "cr3 value=0x2002\n" + page
        + "cr3 value=0x1001 noFlush=1\n" + page, "virtualization.pcid=false", walks: 3),
    Row("INVLPG of the page", page + "invlpg address=0x7f0000001abc\n" + page, walks: 2),
    Row("INVLPG of another page", page + "invlpg address=0x7f0000002000\n" + page, walks: 1),
    Row(
      "INVPCID of one address of the PCID",
      "cr3 value=0x1001\n" + page + other + "invpcid type=0 pcid=1 address=0x7f0000001000\n" + page
        + other, walks: 3),
    Row(
      "INVPCID of another PCID",
      "cr3 value=0x1001\n" + page + "invpcid type=1 pcid=2\n" + page, walks: 1),
    Row(
      "INVPCID of a PCID that is not running",
      "cr3 value=0x1001\n" + page + "cr3 value=0x2002\n" + "invpcid type=1 pcid=1\n"
        + "cr3 value=0x1001 noFlush=1\n" + page, walks: 2),
    Row("INVPCID of all", page + "invpcid type=2\n" + page, walks: 2),
    Row("CR4.PGE changes", page + "control register=4 value=0x20020\n" + page, walks: 2),
    Row("CR4.SMEP is set", page + "control register=4 value=0x1200a0\n" + page, walks: 2),
    Row(
      "CR4.SMAP is set: nothing goes", page + "control register=4 value=0x2200a0\n" + page,
      walks: 1),
    Row("INVEPT of the guest's root", page + "invept type=1 root=0\n" + page, walks: 2),
    Row(
      "INVEPT in native mode has nothing to remove", page + "invept type=2\n" + page,
      "virtualization.mode=native", walks: 1),
    Row("INVVPID of the guest", page + "invvpid type=1 vpid=1\n" + page, walks: 2),
    Row("INVVPID of another guest", page + "invvpid type=1 vpid=2\n" + page, walks: 1),
    Row("INVVPID of all keeps VPID 0 alone", page + "invvpid type=2\n" + page, walks: 2),
    Row("VM exit and entry with VPIDs", page + "vmExit reason=10\nvmEntry\n" + page, walks: 1),
    Row(
      "VM exit and entry without", page + "vmExit reason=10\nvmEntry\n" + page,
      "virtualization.vpid=false", walks: 2),
    Row(
      "TLB_CONTROL of the ASID", page + "tlbControl code=3 asid=1\n" + page,
      "secondStage.format=npt:4", walks: 2),
    Row(
      "TLB_CONTROL that does nothing", page + "tlbControl code=0 asid=1\n" + page,
      "secondStage.format=npt:4", walks: 1),
    Row(
      "INVLPGA of the page in another ASID",
      page + "invlpga address=0x7f0000001000 asid=2\n" + page,
      "secondStage.format=npt:4", walks: 1),
    Row(
      "INVLPGA of the page", page + "invlpga address=0x7f0000001000 asid=1\n" + page,
      "secondStage.format=npt:4", walks: 2),
    Row("a page fault at the page", page + "pageFault address=0x7f0000001000\n" + page, walks: 2),
    // Guests of their own do not see each other's pages, and come back to their translations.
    Row(
      "two guests under VPIDs 1 and 2",
      "vcpuDefine vcpu=0 guest=1 tag=1 secondRoot=0x1 cr3=0x1000\n"
        + "vcpuDefine vcpu=1 guest=2 tag=2 secondRoot=0x2 cr3=0x1000\n"
        + "vcpuIn vcpu=0 core=0\n" + page + "vcpuIn vcpu=1 core=0\n" + page
        + "vcpuIn vcpu=0 core=0\n" + page + "vcpuIn vcpu=1 core=0\n" + page, walks: 2),
    // Each core has TLBs of its own, and an INVLPG reaches the one that it runs on.
    Row(
      "two cores",
      "vcpuIn vcpu=0 core=0\n" + page + "vcpuIn vcpu=1 core=1\n" + page
        + "invlpg address=0x7f0000001000\n" + page + "vcpuIn vcpu=0 core=0\n" + page, "cores=2",
      walks: 3),
    // A conservative processor drops the whole tag for one address.
    Row(
      "INVLPG of another page, conservatively", page + "invlpg address=0x7f0000002000\n" + page,
      "virtualization.invalidation=conservative", walks: 2),
    // 2 MiB over 4 KiB: the reach is 4 KiB, and one INVLPG drops every piece of the large page.
    Row(
      "INVLPG of a splintered page drops its other pieces",
      page + other + "invlpg address=0x7f00001ff000\n" + page + other,
      "synthesis.firstStagePage=2M",
      walks: 4),
  ]

  @Test("walks as the architecture's tags and invalidations make them", arguments: rows)
  func walks(row: Row) throws {
    let preset = try #require(Preset.named("reference"))
    let machine = try MachineDescription.load(
      json: preset.json, file: "reference", settings: row.settings)
    let result = try replay(scenario: row.scenario, on: machine)
    #expect(result.counters["walk.count"] == row.walks)
  }

  @Test("a flush is charged with the walks of what it removed and no others")
  func attribution() throws {
    let machine = try machine("reference")
    // Three pages are removed, two of them are touched again; the fourth walk is of a new page.
    let result = try replay(
      scenario: "cr3 value=0x1000\nload 0x1000\nload 0x2000\nload 0x3000\ncr3 value=0x1000\n"
        + "load 0x1000\nload 0x2000\nload 0x4000\n", on: machine)
    #expect(result.counters["walk.count"] == 6)
    #expect(result.counters["invalidation.cr3Load.walks"] == 2)
    // Two levels of TLB held three pages each.
    #expect(result.counters["invalidation.cr3Load.entries"] == 6)
    #expect(result.counters["invalidation.cr3Load.events"] == 2)
  }

  @Test("a translation that a change left behind is found, with what would have removed it")
  func staleness() throws {
    let machine = try machine("reference")
    let unmap = "load 0x1000\nunmap stage=1 address=0x1000 bytes=4096\n"
    let stale = try replay(scenario: unmap + "load 0x1000\nload 0x1000\n", on: machine)
    let finding = try #require(stale.findings.first)
    #expect(finding.rule == "C1" && finding.count == 2 && finding.first.record == 1)
    #expect(finding.first.detail["missing"]?.hasPrefix("INVLPG of 0x1000") == true)
    let clean = try replay(
      scenario: unmap + "invlpg address=0x1000\nload 0x1000\n", on: machine)
    #expect(clean.findings.isEmpty && clean.counters["walk.count"] == 2)
    // The second stage takes the guest's whole memory: the host must say INVEPT.
    let taken = "load 0x1000\nunmap stage=2 address=0 bytes=0x10000000\n"
    let reached = try replay(scenario: taken + "load 0x1000\n", on: machine)
    #expect(reached.findings.map(\.rule) == ["C2"])
    #expect(reached.findings.first?.first.detail["missing"]?.hasPrefix("INVEPT") == true)
    let kept = try replay(scenario: taken + "invept type=2\nload 0x1000\n", on: machine)
    #expect(kept.findings.isEmpty)
  }

  @Test("taking write permission away makes a store fault, and a stale entry let it through")
  func protection() throws {
    let machine = try machine("reference")
    let protect = "store 0x1000\nprotect stage=1 address=0x1000 bytes=4096 rights=1\n"
    let stale = try replay(scenario: protect + "store 0x1000\n", on: machine)
    #expect(stale.findings.map(\.rule) == ["C1"] && stale.counters["fault.pageFault"] == nil)
    let loads = try replay(scenario: protect + "load 0x1000\n", on: machine)
    #expect(loads.findings.isEmpty)
    let faults = try replay(
      scenario: protect + "invlpg address=0x1000\nstore 0x1000\nload 0x1000\n", on: machine)
    #expect(faults.counters["fault.pageFault"] == 1 && faults.findings.isEmpty)
  }

  @Test("SMAP set between touches denies a supervisor's load that a TLB still has")
  func smap() throws {
    let result = try replay(
      scenario: "privilege level=0\nload 0x1000\ncontrol register=4 value=0x2200a0\nload 0x1000\n"
        + "privilege level=0 alignmentCheck=1\nload 0x1000\n", on: try machine("reference"))
    // The second load hits, is denied, walks and faults, which removes the entry: the third walks.
    #expect(result.counters["walk.permission"] == 1)
    #expect(result.counters["fault.pageFault"] == 1)
    #expect(result.counters["walk.count"] == 3)
  }

  /// Whatever words an event has, it is carried out or refused by name, and every sum comes out.
  @Test(
    "hostile events end in counters or in one error",
    arguments: ["native", "nested", "shadow", "agile"], ["ept:4", "npt:5"])
  func hostile(mode: String, second: String) throws {
    let machine = try machine(
      "reference-cached", "virtualization.mode=\(mode)", "secondStage.format=\(second)", "cores=2",
      "virtualization.vpid=\(mode != "agile")")
    let tags = EventTag.allCases.filter(\.isOfProcessor)
    var (finished, refused) = (0, 0)
    for seed in 0..<40 {
      var random = SeededGenerator(state: UInt64(seed) &* 977 &+ 13)
      let words: [UInt64] = [
        0, 1, 2, 3, 4, 7, 8, 0xfff, 0x1000, 0x2001, 0x20_0000, 0x7f00_0000_1000, 1 << 47, 1 << 63,
        .max, .max - 0xfff,
      ]
      var builder = BlockBuilder()
      for _ in 0..<300 {
        if Bool.random(using: &random) {
          let address = (words.randomElement(using: &random) ?? 0) & ~7
          builder.append(
            address: address, kind: AccessKind.allCases.randomElement(using: &random) ?? .load,
            size: 8, thread: 0, instructions: 1)
        } else if let tag = tags.randomElement(using: &random) {
          var fields = tag.fields.map { _ in words.randomElement(using: &random) ?? 0 }
          // Most stages and cores are ones that exist, so that not every run ends at once.
          if let stage = tag.fields.firstIndex(of: "stage"),
            Int.random(in: 0..<9, using: &random) > 0
          {
            fields[stage] = UInt64.random(in: 1...2, using: &random)
          }
          if let core = tag.fields.firstIndex(of: "core"), Int.random(in: 0..<9, using: &random) > 0
          {
            fields[core] = UInt64.random(in: 0...1, using: &random)
          }
          if tag == .map { fields[2] = UInt64.random(in: 0...0x8000, using: &random) }
          builder.append(tag, words: fields)
        }
      }
      let block = TraceBlock()
      builder.finish(into: block)
      let replay = Replay(machine, ReplayPlan(hasEvents: true))
      do throws(TraceError) {
        try replay.replay(block)
      } catch {
        #expect(!error.problem.isEmpty && !error.cure.isEmpty)
        refused += 1
        continue
      }
      finished += 1
      let identity = TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: [])
      #expect(throws: Never.self) { try replay.result(of: identity) }
    }
    #expect(finished > 0 && refused > 0)
  }

  @Test("an event that cannot be names the file and what would do")
  func refusal() throws {
    let machine = try machine("reference")
    let error = #expect(throws: TraceError.self) {
      try replay(scenario: "load 0x1000\nvcpuIn vcpu=0 core=3\n", on: machine)
    }
    #expect(error?.file.hasSuffix(".txt") == true)
    #expect(error?.place == "vcpuIn before record 1")
    #expect(error?.cure.contains("--set cores=4") == true)
  }
}
