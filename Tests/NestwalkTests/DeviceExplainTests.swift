import Foundation
import Testing

@Suite("nestwalk explain, of devices")
struct DeviceExplainTests {
  private func text(_ trace: String, _ arguments: [String], in folder: Folder) throws -> String {
    try Nestwalk.succeed(["explain", trace] + arguments, in: folder)
  }

  /// The first transfer of the shipped scenario.
  private static let stale = Shipped.path("isolation/stale-window.txt")

  @Test("a cold transfer reads root and context entries and a table a level, and fills caches")
  func cold() throws {
    let text = try text(Self.stale, ["-m", "qemu-vtd", "--event", "6"], in: try Folder())
    #expect(text.contains("Event 6: write by device 00:03.0 of 1,514 bytes at 0xfffff000."))
    // The scenario maps 0xfffff000 to 0x100000 in domain 1. Two entries of 128 bits and four levels of
    // 64 bits: 2 * 2 + 4.
    #expect(text.contains("0xfffff000 is at 0x100000, in a page of 4K of domain 0x1 (rw)"))
    #expect(text.contains("  8 words of tables read"), "\(text)")
    #expect(text.contains("iotlb               miss    0xfffff000 (4K, domain 0x1) at 0x100000"))
    #expect(text.contains("iommu.contextCache  miss"))
    // Indexes of 0xfffff000: 0, 3, 511, 511; an entry has 8 bytes, so the last stands at ff8h.
    let last = try #require(text.split(separator: "\n").last)
    #expect(last.contains("ff8  0x100003"), "\(last)")
  }

  @Test("a stale hit names the event that filled it, and a blocked one its reason")
  func hitAndFault() throws {
    let folder = try Folder()
    let hit = try text(Self.stale, ["-m", "qemu-vtd", "--event", "12"], in: folder)
    #expect(hit.contains("The IOTLB knew the page since event 6"), "\(hit)")
    #expect(hit.contains("No word of a table was read"))
    let fault = try text(Self.stale, ["-m", "qemu-vtd", "--event", "17"], in: folder)
    #expect(fault.contains("0xfffff000 is blocked: fault 6h"), "\(fault)")
  }

  /// Two pages of one domain through an IOTLB of one entry.
  private static let two = """
    nestwalk scenario 1
    attach device=0x18 domain=1
    iommuMap domain=1 address=0x1000 output=0x100000 bytes=0x1000 rights=3
    iommuMap domain=1 address=0x2000 output=0x200000 bytes=0x1000 rights=3
    dma device=0x18 address=0x1000 bytes=64 kind=0
    dma device=0x18 address=0x1f00 bytes=512 kind=0
    """ + "\n"

  @Test(
    "a transfer over two pages is two steps; the second displaces what a full IOTLB had",
    arguments: ["reference-interrupts", "reference-amd-interrupts"])
  func displaced(_ machine: String) throws {
    let folder = try Folder()
    try folder.write(Self.two, to: "two.txt")
    let small = ["iommu.iotlb.sets=1", "iommu.iotlb.ways=1"].flatMap { ["--set", $0] }
    let text = try text("two.txt", ["-m", machine, "--event", "4"] + small, in: folder)
    // 0x1f00 to 0x2000 are 256 bytes, and 256 more.
    #expect(text.contains("\n0x1f00, 256 bytes\n") && text.contains("\n0x2000, 256 bytes\n"))
    let steps = text.split(separator: "\n").filter { $0.contains("iotlb ") }
    #expect(steps.count == 2 && steps[0].contains("hit"), "\(text)")
    #expect(steps[1].contains("miss"))
    #expect(text.contains("0x2000 is at 0x200000"), "\(text)")
    try Nestwalk.succeed(
      ["explain", "two.txt", "-m", machine, "--event", "4", "-o", "e.html"] + small, in: folder)
    let page = try folder.text("e.html")
    #expect(page.contains("displaced") && page.contains("default-src 'none'"))
    // Filled with the second page, displaced the first, in cells of their own.
    for cell in [">0x2000 (4K, domain 0x1) at 0x200000<", ">0x1000 (4K, domain 0x1) at 0x100000<"] {
      #expect(page.contains(cell), "\(cell)")
    }
  }

  @Test("an interrupt message tells its entry, its vector and where it went")
  func messages() throws {
    let folder = try Folder()
    // Entry 7 posts vector 65 to the descriptor at 0x10000; the scenario says so where it writes it.
    let posted = try text(
      Shipped.path("forged-interrupts.scenario"), ["-m", "qemu-vtd", "--event", "24"], in: folder)
    #expect(posted.contains("It names entry 7") && posted.contains("Vector 65"), "\(posted)")
    #expect(posted.contains("0x10000 names the descriptor"))
    let guest = try text(
      Shipped.path("amd-guest-interrupts.scenario"),
      ["-m", "reference-amd-interrupts", "--event", "33"], in: folder)
    #expect(guest.contains("interrupt.entryCache  miss    04:00.0, entry 1: "), "\(guest)")
  }

  @Test("what is no transfer or message, or not there, or needs an IOMMU is refused")
  func refusals() throws {
    let folder = try Folder()
    for (machine, event, words) in [
      ("qemu-vtd", "5", "event 5 is of kind iommuMap"), ("qemu-vtd", "18", "has no event 18"),
      ("zen5", "6", "has no IOMMU"),
    ] {
      let outcome = try Nestwalk.run(
        ["explain", Self.stale, "-m", machine, "--event", event, "-o", "e.html"], in: folder)
      #expect(outcome.status == 2 && outcome.errors.contains(words), "\(outcome.errors)")
    }
    #expect(folder.listing.isEmpty)
  }

  @Test("a record is explained on tables of an image")
  func image() throws {
    let folder = try Folder()
    // Every level's entry 0 leads back to the page, so address 0x10 is at 0x1010 after four reads.
    try folder.write(MemoryImage(pages: [0x1000: MemoryImage.loop(0x1000, 0)]).sparse, to: "t.nwsp")
    try folder.write("nestwalk scenario 1\nload 0x10 8\n", to: "a.txt")
    let text = try text(
      "a.txt",
      ["-m", "reference", "--record", "0", "--image", "t.nwsp", "--first", "x86-64:4@0x1000"],
      in: folder)
    #expect(text.contains("0x10 is at 0x1010 (4K)"), "\(text)")
    #expect(text.contains("4 references"))
  }
}
