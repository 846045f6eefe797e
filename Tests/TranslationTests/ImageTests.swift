import Foundation
import Testing

@testable import TraceFile
@testable import Translation

/// Files of the emulator captures, where they are present.
enum Emulated {
  static func path(_ name: String) -> String {
    Captures.folder.appending(path: "qemu/\(name)").path
  }

  static func exists(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: path(folder))
  }

  /// The lines of a compressed text.
  static func lines(_ name: String) throws -> [Substring] {
    let source = try ByteSource(path: path(name))
    var bytes: [UInt8] = []
    while try source.ensure(1) {
      bytes += source.window
      source.consume(source.window.count)
    }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
  }

  /// The pages of a sparse image.
  static func pages(_ name: String) throws -> [UInt64: [UInt8]] {
    let source = try ByteSource(path: path(name))
    var pages: [UInt64: [UInt8]] = [:]
    while try source.ensure(4104) {
      let address = UInt64(littleEndian: source.window.loadUnaligned(as: UInt64.self))
      pages[address] = [UInt8](source.window[8..<4104])
      source.consume(4104)
    }
    return pages
  }
}

extension ImageTables {
  func add(_ pages: [UInt64: [UInt8]]) {
    for (address, bytes) in pages {
      bytes.withUnsafeBytes { #expect(addPage(at: address, $0)) }
    }
  }
}

/// Page tables that a Linux kernel wrote, against the emulator's own walker.
@Suite("Real tables: a five-level guest with page-table isolation")
struct FiveLevelGuestTests {
  /// CR3 of each CPU, from `registers.txt`; the emulator's list of all mappings, and its length.
  static let cpus: [(root: UInt64, list: String, mappings: Int)] = [
    (0x2aa_e000, "x86-la57/info_tlb_cpu0.txt.zst", 72_789),
    (0x2a5_1000, "x86-la57/info_tlb_cpu1.txt.zst", 66_928),
  ]

  @Test(
    "every mapping with its address and flags, and no other",
    .enabled(if: Emulated.exists("x86-la57")), arguments: cpus.indices)
  func allMappings(index: Int) throws {
    let cpu = Self.cpus[index]
    let root = try #require(TableRoot("x86-64:5@0x\(String(cpu.root, radix: 16))"))
    let tables = ImageTables(first: root, second: nil)
    tables.add(try Emulated.pages("x86-la57/pagetables.nwsp.zst"))
    func padded(_ number: UInt64) -> String {
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    // The list's own form: address, physical address, flags.
    var found: [String] = []
    let summary = try tables.forEachLeaf {
      found.append("\(padded($0.address)): \(padded($0.output)) \($0.flags)")
    }
    #expect(summary.leaves == cpu.mappings)
    #expect(summary.absentTables == 0 && summary.malformed == 0)
    #expect(found.sorted() == (try Emulated.lines(cpu.list)).map(String.init).sorted())
  }

  /// The process of CPU 1, whose pages its kernel listed; QEMU walked 200 addresses, each page's byte
  /// 0x123.
  @Test(
    "200 addresses as QEMU translates them, and every page of a process as its kernel says",
    .enabled(if: Emulated.exists("x86-la57")))
  func addresses() throws {
    let tables = ImageTables(first: try #require(TableRoot("x86-64:5@0x2a51000")), second: nil)
    tables.add(try Emulated.pages("x86-la57/pagetables.nwsp.zst"))
    func number(_ text: Substring) throws -> UInt64 {
      try #require(UInt64(text.hasPrefix("0x") ? text.dropFirst(2) : text, radix: 16))
    }
    let translations = try Emulated.lines("x86-la57/gva2gpa.txt.zst")
    #expect(translations.count == 200)
    for line in translations {
      let words = line.split(separator: " ")
      let report = tables.walk(try number(words[0]) + 0x123, .load, isUser: false)
      #expect(report.output == (try number(words[2])), "\(line)")
    }
    var present = 0
    var protected = 0
    for line in try Emulated.lines("x86-la57/g_pm.txt.zst") where line.hasPrefix("PM ") {
      let words = line.split(separator: " ")
      let entry = try number(words[2])
      // Linux, Documentation/admin-guide/mm/pagemap.rst: bit 63 present, bits 54:0 the frame.
      guard entry >> 63 == 1 else { continue }
      let report = tables.walk(try number(words[1]), .load, isUser: true)
      if let output = report.output {
        present += 1
        #expect(output >> 12 == entry & (1 << 55 - 1), "\(line)")
      } else {
        // Present for Linux, and P = 0 for the processor: user, and nothing else.
        protected += 1
        #expect(report.fault?.reason == "notPresent" && report.fault?.errorCode == 4)
        #expect((0x7fa2_ce1c_6000..<0x7fa2_ce1c_e000).contains(report.address))
      }
    }
    #expect(present == 2380 && protected == 8)
  }

  @Test("a cold walk reads five entries", .enabled(if: Emulated.exists("x86-la57")))
  func references() throws {
    let root = try #require(TableRoot("x86-64:5@0x2aae000"))
    let tables = ImageTables(first: root, second: nil)
    tables.add(try Emulated.pages("x86-la57/pagetables.nwsp.zst"))
    // The list's first line: 0000000000400000: 00000000090de000 X---A--U-
    let report = tables.walk(0x40_0123, .load, isUser: true)
    #expect(report.output == 0x90d_e123)
    #expect(report.path.map(\.level) == [4, 3, 2, 1, 0])
    #expect(report.path.first?.address == 0x2aa_e000)
    #expect(report.effective == "r--u")
    // It may be neither written nor executed.
    let write = tables.walk(0x40_0123, .store, isUser: true)
    #expect(write.fault?.reason == "forbidden")
    // Present, write, user.
    #expect(write.fault?.errorCode == 7)
    // Present, user, fetch.
    #expect(tables.walk(0x40_0123, .fetch, isUser: true).fault?.errorCode == 0x15)
    // 57 bits: bit 56 is not copied into 63:57.
    #expect(tables.walk(1 << 56, .load, isUser: false).fault?.reason == "notCanonical")
  }
}

/// Nested tables that kvm-amd wrote, with a guest inside whose pages name themselves.
@Suite("Real tables: a guest over AMD's nested paging")
struct NestedPagingTests {
  private func tables(_ pages: [UInt64: [UInt8]]) throws -> ImageTables {
    let first: TableRoot = try #require(TableRoot("x86-64:4@0x100000"))
    let second: TableRoot = try #require(TableRoot("npt:4@0x4176000"))
    let tables = ImageTables(first: first, second: second)
    tables.add(pages)
    return tables
  }

  /// The pages that the inner guest touched, in order, and whether it wrote there.
  private func touches() throws -> [(address: UInt64, isWrite: Bool)] {
    try Emulated.lines("svm-npt/g_l2.txt.zst").filter { $0.hasPrefix("TOUCH") }.map {
      let words = $0.split(separator: " ")
      return (try #require(UInt64(words[2], radix: 16)), words[3] == "w=1")
    }
  }

  /// Pairs of guest-physical and host-physical pages by the outer kernel's pagemap.
  private func pagemap() throws -> [UInt64: UInt64] {
    var pages: [UInt64: UInt64] = [:]
    for line in try Emulated.lines("svm-npt/g_l2.txt.zst") {
      let words = line.split(separator: " ")
      guard words.count >= 4, words[0] == "GPA", words[2] == "HPA",
        let guest = UInt64(words[1], radix: 16), let host = UInt64(words[3], radix: 16)
      else { continue }
      pages[guest] = host
    }
    return pages
  }

  @Test(
    "the nested tables' 136 pages are where the pagemap has them",
    .enabled(if: Emulated.exists("svm-npt")))
  func leavesEqualPagemap() throws {
    let nested = ImageTables(first: try #require(TableRoot("npt:4@0x4176000")), second: nil)
    nested.add(try Emulated.pages("svm-npt/tables.nwsp.zst"))
    let pagemap = try pagemap()
    var pages = 0
    let summary = try nested.forEachLeaf { leaf in
      #expect(leaf.bytes == 4096)
      #expect(pagemap[leaf.address] == leaf.output, "\(String(leaf.address, radix: 16))")
      pages += 1
    }
    #expect(pages == 136)
    #expect(summary.absentTables == 0)
  }

  @Test(
    "each of the 120 touched pages is the one whose signature says so",
    .enabled(if: Emulated.exists("svm-npt")))
  func touchedPages() throws {
    let pages = try Emulated.pages("svm-npt/tables.nwsp.zst")
    let tables = try tables(pages)
    let touches = try touches()
    #expect(touches.count == 120)
    for (address, isWrite) in touches {
      let report = tables.walk(address, isWrite ? .store : .load, isUser: false)
      let output = try #require(report.output, "\(address) faults: \(report.fault as Any)")
      let bytes = try #require(report.firstBytes)
      // (g + 1)(4 + 1) - 1 with 4, 3 or 2 guest entries.
      #expect(report.path.count == [4096: 24, 1 << 21: 19, 1 << 30: 14][bytes])
      // The guest's leaf names the guest-physical page, and the page itself says the same.
      let leaf = try #require(report.path.last { $0.stage == "first" })
      let guest = leaf.value & (1 << 52 - bytes) | address & (bytes - 1)
      let digits = String(guest, radix: 16)
      let name = "L2PAGE gpa=" + String(repeating: "0", count: 9 - digits.count) + digits
      let page = try #require(pages[output & ~0xfff])
      #expect(String(decoding: page[0x800..<(0x800 + name.utf8.count)], as: UTF8.self) == name)
    }
  }

  @Test(
    "from empty nested tables, the 136 faults that the hypervisor saw, in their order",
    .enabled(if: Emulated.exists("svm-npt")))
  func faultSequence() throws {
    let real = try Emulated.pages("svm-npt/tables.nwsp.zst")
    // Walks need the guest's tables, which lie in its first 2 MiB, and the nested ones, empty.
    let nested = try nestedTables(real)
    var pages: [UInt64: [UInt8]] = [:]
    for (guest, host) in try pagemap() where guest < 0x20_0000 { pages[host] = real[host] }
    for table in nested { pages[table] = [UInt8](repeating: 0, count: 4096) }

    var faults: [String] = []
    var now = try tables(pages)
    func access(_ address: UInt64, _ kind: AccessKind) throws {
      for _ in 0..<16 {
        guard let fault = now.walk(address, kind, isUser: false).fault else { return }
        let code = try #require(fault.errorCode)
        faults.append("\(String(fault.address, radix: 16)) \(String(code, radix: 16))")
        try install(fault.address, from: real, into: &pages)
        now = try tables(pages)
      }
      Issue.record("\(address) never translates")
    }
    // An increment is a read and then a write here: the processor below was an emulator, which does
    // one after the other.
    func increment(_ address: UInt64) throws {
      try access(address, .load)
      try access(address, .store)
    }
    let touches = try touches()
    for _ in 0..<3 {
      try access(0x40_0000, .fetch)
      for (row, touch) in touches.enumerated() {
        try access(0x9000 + 8 * UInt64(row), .load)
        if touch.isWrite {
          try increment(touch.address + 0xff0)
        } else {
          try access(touch.address + 0x800, .load)
        }
      }
      try increment(0xa000)
    }
    let recorded = try Emulated.lines("svm-npt/g_kvmtrace.zst").filter {
      $0.contains("kvm_page_fault:")
    }.map { line -> String in
      let words = line.split(separator: " ").map { $0.replacing("0x", with: "") }
      let address = try #require(words.firstIndex(of: "address").map { words[$0 + 1] })
      let code = try #require(words.firstIndex(of: "error_code").map { words[$0 + 1] })
      return String(UInt64(address, radix: 16) ?? 0, radix: 16) + " " + code
    }
    #expect(recorded.count == 136)
    #expect(faults == recorded)
  }

  private func words(_ page: [UInt8]) -> [UInt64] {
    page.withUnsafeBytes { bytes in
      (0..<512).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
    }
  }

  /// The pages of the nested tables, root first.
  private func nestedTables(_ real: [UInt64: [UInt8]]) throws -> [UInt64] {
    var all: [UInt64] = []
    var tables: [UInt64] = [0x417_6000]
    for _ in 0..<4 {
      all += tables
      tables = try tables.flatMap { table in
        words(try #require(real[table])).filter { $0 & 0x81 == 1 }.map { $0 & (1 << 52 - 1 << 12) }
      }.filter { all.count < 64 && real[$0] != nil }
    }
    return all
  }

  /// Copies the entries on a guest-physical address's way, as the hypervisor wrote them.
  private func install(
    _ address: UInt64, from real: [UInt64: [UInt8]], into pages: inout [UInt64: [UInt8]]
  ) throws {
    var table: UInt64 = 0x417_6000
    for level in [3, 2, 1, 0] {
      let at = 8 * Int(address >> UInt64(12 + 9 * level) & 511)
      let page = try #require(real[table])
      pages[table]?.replaceSubrange(at..<(at + 8), with: page[at..<(at + 8)])
      table = words(page)[at / 8] & (1 << 52 - 1 << 12)
    }
  }
}
