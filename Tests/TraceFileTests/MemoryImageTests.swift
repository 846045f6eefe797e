import Foundation
import Testing

@testable import TraceFile

/// A page as an image gave it.
struct GivenPage: Equatable, Sendable {
  var address: UInt64
  var bytes: [UInt8]

  /// A page of zeros but for some bytes.
  init(_ address: UInt64, _ bytes: [UInt8], at offset: Int = 0) {
    self.address = address
    self.bytes = [UInt8](repeating: 0, count: 4096)
    self.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }
}

/// Reads all of an image.
func readImage(
  _ path: String, as format: MemoryImageFormat? = nil, base: UInt64? = nil
) throws(TraceError) -> (image: MemoryImage, pages: [GivenPage]) {
  var pages: [GivenPage] = []
  let image = try MemoryImage.read(path: path, format: format, base: base) { address, bytes in
    pages.append(GivenPage(address, Array(bytes)))
  }
  return (image, pages)
}

/// A program header of a hand-made core, with the bytes that it stores.
struct Part {
  var type: UInt32 = 1
  var offset: UInt64
  var address: UInt64
  var bytes: [UInt8] = []
  var stored: UInt64?
  var memory: UInt64?

  /// p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align.
  var header: [UInt8] {
    let stored = stored ?? UInt64(bytes.count)
    return little(type) + little(UInt32(4)) + little(offset) + little(UInt64(0xffff_8880_0000_0000))
      + little(address) + little(stored) + little(memory ?? stored) + little(UInt64(0))
  }
}

/// A core of 64 bytes of header, 56 bytes for each part, and the parts' bytes at their offsets.
func core(_ parts: [Part], table: UInt64 = 64, _ changes: [Int: UInt8] = [:]) -> [UInt8] {
  var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
  file += little(UInt16(4)) + little(UInt16(62)) + little(UInt32(1)) + little(UInt64(0))
  file += little(table) + little(UInt64(0)) + little(UInt32(0)) + little(UInt16(64))
  file += little(UInt16(56)) + little(UInt16(parts.count)) + [0, 0, 0, 0, 0, 0]
  func pad(to offset: UInt64) {
    file += [UInt8](repeating: 0xee, count: max(0, Int(offset) - file.count))
  }
  pad(to: table)
  for part in parts { file += part.header }
  for part in parts.filter({ !$0.bytes.isEmpty }).sorted(by: { $0.offset < $1.offset }) {
    pad(to: part.offset)
    file += part.bytes
  }
  for (offset, byte) in changes { file[offset] = byte }
  return file
}

/// An entry of the sparse format.
func entry(_ address: UInt64, _ first: [UInt8]) -> [UInt8] {
  little(address) + GivenPage(0, first).bytes
}

/// A page of ones.
let ones = [UInt8](repeating: 1, count: 4096)

@Suite("Images of physical memory")
struct MemoryImageTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var name = "image"
    var requested: MemoryImageFormat?
    var base: UInt64?
    var bytes: [UInt8]
    var format: MemoryImageFormat
    var pages: [GivenPage]
    var testDescription: String { what }
  }

  static let twoEntries = entry(0xf_ffff_ffff_f000, [1]) + entry(0, [2, 3])
  static let twoGiven = [GivenPage(0xf_ffff_ffff_f000, [1]), GivenPage(0, [2, 3])]
  static let small = core([Part(offset: 120, address: 0x1000, bytes: [1, 2, 3, 4, 5, 6, 7, 8])])
  static let smallGiven = [GivenPage(0x1000, [1, 2, 3, 4, 5, 6, 7, 8])]

  static let rows = [
    Row(
      what: "sparse by suffix, up to the last page below 2^52, in the file's order", name: "a.nwsp",
      bytes: twoEntries, format: .nwsp, pages: twoGiven),
    Row(
      what: "sparse by a suffix before a compression's", name: "a.nwsp.gz",
      bytes: storedGzip(twoEntries), format: .nwsp, pages: twoGiven),
    Row(
      what: "sparse because the user says so", requested: .nwsp, bytes: twoEntries, format: .nwsp,
      pages: twoGiven),
    Row(
      what: "raw because there is a base", base: 0x7000, bytes: ones + GivenPage(0, [5]).bytes,
      format: .raw, pages: [GivenPage(0x7000, ones), GivenPage(0x8000, [5])]),
    Row(
      what: "raw because the user says so, whatever it begins with", requested: .raw, base: 0,
      bytes: small + [UInt8](repeating: 0, count: 4096 - 128), format: .raw,
      pages: [GivenPage(0, small)]),
    Row(what: "a core by content", bytes: small, format: .elf, pages: smallGiven),
    Row(
      what: "a core whatever its suffix, compressed", name: "a.nwsp.gz", bytes: storedGzip(small),
      format: .elf, pages: smallGiven),
    // The headers end at 64 + 2 * 56 = 176; the first segment ends at 176 + 4096 = 4272.
    Row(
      what: "a core's segments at odd places of the file, in its order and not the headers'",
      bytes: core([
        Part(offset: 4273, address: 0x2000, bytes: ones + GivenPage(0, [3]).bytes),
        Part(offset: 176, address: 0x10_0000, bytes: GivenPage(0, [4], at: 4095).bytes),
      ]), format: .elf,
      pages: [
        GivenPage(0x10_0000, [4], at: 4095), GivenPage(0x2000, ones), GivenPage(0x3000, [3]),
      ]),
    Row(
      what: "parts of pages, with zeros in the rest",
      bytes: core([Part(offset: 120, address: 0x1ffe, bytes: [1, 2, 3, 4, 5, 6])]), format: .elf,
      pages: [GivenPage(0x1000, [1, 2], at: 4094), GivenPage(0x2000, [3, 4, 5, 6])]),
    Row(
      what: "a part, whole pages and a part",
      bytes: core([Part(offset: 120, address: 0x1fff, bytes: [7] + ones + ones + [8])]),
      format: .elf,
      pages: [
        GivenPage(0x1000, [7], at: 4095), GivenPage(0x2000, ones), GivenPage(0x3000, ones),
        GivenPage(0x4000, [8]),
      ]),
    Row(
      what: "a page that two segments share is one page",
      bytes: core([
        Part(offset: 176, address: 0x5ffd, bytes: [1, 2]),
        Part(offset: 178, address: 0x5fff, bytes: [3, 4]),
      ]), format: .elf, pages: [GivenPage(0x5000, [1, 2, 3], at: 4093), GivenPage(0x6000, [4])]),
    Row(
      what: "memory that is not stored is not given",
      bytes: core([Part(offset: 120, address: 0x3000, bytes: ones, memory: 0x3000)]), format: .elf,
      pages: [GivenPage(0x3000, ones)]),
    // 64 + 3 * 56 = 232.
    Row(
      what: "notes and mappings without bytes are passed over, and what follows the segments",
      bytes: core([
        Part(type: 4, offset: 0, address: 0, bytes: [], stored: 9),
        Part(offset: .max, address: .max, memory: .max),
        Part(offset: 232, address: 0, bytes: [9]),
      ]) + [1, 2, 3], format: .elf, pages: [GivenPage(0, [9])]),
    // 101 + 56 = 157.
    Row(
      what: "program headers that do not follow the ELF header",
      bytes: core([Part(offset: 157, address: 0, bytes: [9])], table: 101), format: .elf,
      pages: [GivenPage(0, [9])]),
  ]

  @Test("each format gives its pages", arguments: rows)
  func pages(_ row: Row) throws {
    try withFile(row.bytes, named: row.name) { path in
      let read = try readImage(path, as: row.requested, base: row.base)
      #expect(read.image.format == row.format)
      #expect(read.pages == row.pages)
      #expect(read.image.pages == row.pages.count)
    }
  }

  @Test("what the body throws ends the reading")
  func refusalByBody() throws {
    let refusal = TraceError(file: "f", place: "p", problem: "no", cure: "c")
    var given = 0
    try withFile(Self.twoEntries, named: "a.nwsp") { path in
      _ = #expect(throws: refusal) {
        try MemoryImage.read(path: path, format: nil, base: nil) {
          (_, _) throws(TraceError) in
          given += 1
          throw refusal
        }
      }
    }
    #expect(given == 1)
  }

  /// Writes the start of a file in every length and counts what is read.
  private func cuts(
    of bytes: [UInt8], _ body: (_ count: Int, _ path: String) throws -> Void
  ) throws {
    try withFile([], named: "image") { path in
      for count in bytes.indices {
        try Data(bytes[..<count]).write(to: URL(filePath: path))
        try body(count, path)
      }
    }
  }

  private func refusal(_ body: () throws(TraceError) -> Void) -> TraceError? {
    do throws(TraceError) {
      try body()
      return nil
    } catch {
      return error
    }
  }

  @Test("a sparse image cut anywhere names the entry that is not whole")
  func cutSparse() throws {
    // One entry and nine bytes of another.
    try cuts(of: entry(0, [2, 3]) + little(UInt64(4096)) + [0]) { count, path in
      let place = count == 0 ? "byte 0" : count < 4104 ? "entry 1" : "entry 2"
      let refusal = refusal { () throws(TraceError) in _ = try readImage(path, as: .nwsp) }
      #expect(refusal?.place == (count == 4104 ? nil : place))
    }
  }

  @Test("a raw dump cut anywhere names the place of the page that is not whole")
  func cutRaw() throws {
    try cuts(of: ones + [1, 1]) { count, path in
      let place = count < 4096 ? "byte 0" : "byte 4096"
      let refusal = refusal { () throws(TraceError) in _ = try readImage(path, base: 0) }
      #expect(refusal?.place == (count == 4096 ? nil : place))
    }
  }

  @Test("a core cut anywhere names the header that is not whole, or whose bytes are not")
  func cutCore() throws {
    // Headers end at 64, 120 and 176; bytes are at 180 to 188 for the second and 190 to 192.
    let bytes = core([
      Part(offset: 190, address: 0x9000, bytes: [1, 2]),
      Part(offset: 180, address: 0x1ffc, bytes: [1, 2, 3, 4, 5, 6, 7, 8]),
    ])
    #expect(bytes.count == 192)
    try cuts(of: bytes) { count, path in
      let error = #expect(throws: TraceError.self) { try readImage(path) }
      let place =
        switch count {
        case ..<4: "byte 0"
        case ..<64: "byte \(count)"
        case ..<120: "program header 1"
        case ..<188: "program header 2"
        default: "program header 1"
        }
      #expect(error?.place == place, "cut at \(count)")
      #expect(count < 4 || error?.cure == "the copy is incomplete: fetch it again")
    }
  }

  @Test("changed bytes give pages or an error, never anything worse", arguments: 0..<4)
  func changes(target: Int) throws {
    let originals = [
      core([
        Part(offset: 176, address: 0x5ffd, bytes: [1, 2, 3]),
        Part(offset: 179, address: 0x8000, bytes: [4, 5], memory: 0x2000),
      ]),
      storedGzip(Self.small), Self.twoEntries, storedGzip(Self.twoEntries),
    ]
    // Half of the changes hit headers and addresses, which are small beside pages. A gzip member
    // has ten bytes of header, and its stored block five.
    let heads = [176, 15 + 120, 8, 15 + 8]
    let original = originals[target]
    var random = SeededGenerator(state: UInt64(target) + 7)
    var refused = 0
    try withFile([], named: target < 2 ? "image" : "image.nwsp") { path in
      for _ in 0..<1500 {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let end = Bool.random(using: &random) ? heads[target] : bytes.count
          let at = Int.random(in: 0..<end, using: &random)
          bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        try Data(bytes).write(to: URL(filePath: path))
        do throws(TraceError) {
          let pages = try readImage(path).pages
          #expect(pages.allSatisfy { pageOddity($0.address) == nil })
          #expect(Set(pages.map(\.address)).count == pages.count)
        } catch {
          #expect(error.file == path && !error.place.isEmpty && !error.cure.isEmpty)
          refused += 1
        }
      }
    }
    #expect(refused > 100)
  }
}

/// Table pages of guests under QEMU, which are captured and not part of the repository.
@Suite("Captured images of physical memory")
struct MemoryImageCaptureTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var pages: Int
    /// By `sha256sum`.
    var sha256: String
    /// Roots of page tables, by the registers captured with the image.
    var roots: [UInt64]
    var path: String { Captures.folder.appending(path: "qemu/\(name)").path }
    var isHere: Bool { FileManager.default.fileExists(atPath: path) }
    var testDescription: String { name }
  }

  // 541,728 = 132 * 4104 and 21,127,392 = 5148 * 4104 bytes by `zstd -dc | wc -c`.
  static let tables = Row(
    name: "x86-la57/pagetables.nwsp.zst", pages: 132,
    sha256: "eda0e26bf9e9694357aef56640f9f19a79815e1346d4ec0e8e79b772b7925bb2",
    roots: [0x2aa_e000, 0x2a5_1000])
  static let nested = Row(
    name: "svm-npt/tables.nwsp.zst", pages: 5148,
    sha256: "94c405d0da989e2c0fbe0bd7bfb9bf98fb55405925a9d15f40a5cd2fb197bbad",
    roots: [0x417_6000])

  @Test("x86-la57: page tables", .enabled(if: tables.isHere, "x86-la57 is not here"))
  func fiveLevels() throws { try check(Self.tables) }

  @Test("svm-npt: nested page tables", .enabled(if: nested.isHere, "svm-npt is not here"))
  func nestedTables() throws { try check(Self.nested) }

  private func check(_ row: Row) throws {
    var all: [UInt8] = []
    var addresses: Set<UInt64> = []
    let image = try MemoryImage.read(path: row.path, format: nil, base: nil) { address, bytes in
      all += little(address)
      all += bytes
      addresses.insert(address)
    }
    #expect(image == MemoryImage(format: .nwsp, pages: row.pages, sha256: row.sha256))
    #expect(addresses.isSuperset(of: row.roots))
    let isWhole = try all == bytes(of: row.path)
    #expect(isWhole)
  }
}
