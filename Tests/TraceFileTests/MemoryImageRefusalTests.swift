import Foundation
import Testing

@testable import TraceFile

@Suite("Images of physical memory that are refused")
struct MemoryImageRefusalTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var name = "image"
    var requested: MemoryImageFormat?
    var base: UInt64?
    var bytes: [UInt8]
    var place: String
    var problem: String
    var cure = " "
    var testDescription: String { what }
  }

  static let small = MemoryImageTests.small
  static let twoEntries = MemoryImageTests.twoEntries
  static let eight: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

  static let recognition = [
    Row(
      what: "nothing recognised", bytes: ones, place: "byte 0",
      problem: "begins with 01 01 01 01 01 01 01 01, as no image", cure: "--base 0x0"),
    Row(
      what: "nothing in a compression", bytes: storedGzip([]), place: "byte 0",
      problem: "the gzip data hold nothing"),
    Row(
      what: "two compressions", base: 0, bytes: storedGzip(Sample.zstd), place: "byte 0",
      problem: "the gzip data hold zstd data", cure: "once"),
    Row(
      what: "kdump", base: 0, bytes: text("KDUMP   ", ones), place: "byte 0",
      problem: "is a kdump-compressed dump", cure: "--format elf"),
    Row(
      what: "flattened kdump", bytes: text("makedumpfile\0\0\0\0", ones), place: "byte 0",
      problem: "is a flattened kdump dump"),
    Row(
      what: "a saved guest", bytes: text("LibvirtQemudSave", ones), place: "byte 0",
      problem: "is a saved guest of libvirt"),
    Row(
      what: "a migration stream", bytes: text("QEVM", ones), place: "byte 0",
      problem: "is a migration stream"),
    Row(
      what: "a base for a core", base: 0, bytes: small, place: "--base",
      problem: "this is read as elf", cure: "--format raw"),
    Row(
      what: "a base for a sparse image", name: "a.nwsp", base: 0, bytes: twoEntries,
      place: "--base", problem: "this is read as nwsp"),
    Row(
      what: "no core though promised", requested: .elf, bytes: twoEntries, place: "byte 0",
      problem: "begins with 00 f0 ff ff ff ff 0f 00, not as an ELF file does",
      cure: "another --format than elf"),
    Row(
      what: "a core promised as a sparse image", requested: .nwsp, bytes: small, place: "byte 0",
      problem: "begins with 7f 45 4c 46 02 01 01 00, as an ELF file does"),
  ]

  static let pages = [
    Row(
      what: "a sparse suffix alone", name: "a.nwsp", bytes: [8] + ones + ones, place: "entry 1",
      problem: "0x101010101010108 is not below 2^52", cure: "no sparse image"),
    Row(
      what: "an address inside a page", name: "a.nwsp", bytes: twoEntries + entry(0x1001, []),
      place: "entry 3", problem: "0x1001 is no multiple of 4096", cure: "damaged"),
    Row(
      what: "the first address beyond", name: "a.nwsp", bytes: entry(1 << 52, []),
      place: "entry 1", problem: "0x10000000000000 is not below 2^52"),
    Row(
      what: "a page twice", name: "a.nwsp", bytes: twoEntries + entry(0, [2, 3]),
      place: "entry 3", problem: "holds the page 0x0 a second time"),
    Row(
      what: "raw without a base", requested: .raw, bytes: ones, place: "--base",
      problem: "is missing", cure: "--base 0x0"),
    Row(
      what: "a base inside a page", base: 0x1800, bytes: ones, place: "--base",
      problem: "0x1800 is no multiple of 4096"),
    Row(
      what: "a base beyond", base: 1 << 52, bytes: ones, place: "--base",
      problem: "0x10000000000000 is not below 2^52"),
    Row(
      what: "a raw dump that reaches beyond", base: (1 << 52) - 4096, bytes: ones + ones,
      place: "byte 4096", problem: "0x10000000000000 of the page is not below 2^52",
      cure: "lower --base"),
  ]

  static let headers = [
    Row(what: "32 bits", bytes: core([], [4: 1]), place: "byte 4", problem: "a 32-bit ELF file"),
    Row(what: "no class", bytes: core([], [4: 0]), place: "byte 4", problem: "of class 0"),
    Row(
      what: "big-endian", bytes: core([], [5: 2]), place: "byte 5", problem: "a big-endian ELF file"
    ),
    Row(what: "no byte order", bytes: core([], [5: 9]), place: "byte 5", problem: "order 9"),
    Row(what: "a version", bytes: core([], [6: 2]), place: "byte 6", problem: "version 2"),
    Row(
      what: "a relocatable file", bytes: core([], [16: 1]), place: "byte 16",
      problem: "a relocatable ELF file (type 1), not a core (type 4)"),
    Row(
      what: "an executable", bytes: core([], [16: 2]), place: "byte 16",
      problem: "an ELF executable (type 2)", cure: "dump-guest-memory"),
    Row(
      what: "a shared object", bytes: core([], [16: 3]), place: "byte 16",
      problem: "an ELF shared object (type 3)"),
    Row(
      what: "another type", bytes: core([], [17: 0xfe]), place: "byte 16", problem: "type 65028"),
    Row(what: "no headers", bytes: core([]), place: "byte 56", problem: "has no program headers"),
    Row(
      what: "the extended count", bytes: core([], [56: 0xff, 57: 0xff]), place: "byte 56",
      problem: "in section header 0", cure: "without paging"),
    Row(
      what: "headers of another size", bytes: core([Part(offset: 120, address: 0)], [54: 32]),
      place: "byte 54", problem: "of 32 bytes, not 56"),
    Row(
      what: "program headers in the ELF header",
      bytes: core([Part(offset: 120, address: 0)], [32: 63]), place: "byte 32",
      problem: "begin at byte 63"),
    Row(
      what: "program headers far beyond the end",
      bytes: core([Part(offset: 120, address: 0)], [39: 0xff]), place: "program header 1",
      problem: "the file ends at byte 120"),
    Row(
      what: "fewer program headers than counted",
      bytes: core([Part(offset: 120, address: 0, bytes: eight)], [56: 0xfe, 57: 0xff]),
      place: "program header 2", problem: "the file ends at byte 128"),
    Row(
      what: "no memory", bytes: core([Part(type: 4, offset: 120, address: 0, bytes: eight)]),
      place: "program headers", problem: "none of 1 stores memory"),
  ]

  /// A core of one segment at byte 120 or of two from byte 176 on.
  static func of(_ parts: Part...) -> [UInt8] { core(parts) }

  static let segments = [
    Row(
      what: "more in the file than in memory",
      bytes: of(Part(offset: 120, address: 0, bytes: eight, memory: 7)),
      place: "program header 1", problem: "stores 8 bytes of 7"),
    Row(
      what: "the last addresses and more",
      bytes: of(Part(offset: 120, address: (1 << 52) - 7, bytes: eight)),
      place: "program header 1", problem: "reach beyond 2^52"),
    Row(
      what: "no physical address", bytes: of(Part(offset: 120, address: .max, bytes: eight)),
      place: "program header 1", problem: "0xffffffffffffffff reach", cure: "physical addresses"),
    Row(
      what: "more memory than can be",
      bytes: of(Part(offset: 120, address: 0, bytes: eight, memory: .max)),
      place: "program header 1", problem: "reach beyond 2^52"),
    Row(
      what: "a place that no file has", bytes: of(Part(offset: 1 << 62, address: 0, stored: 1)),
      place: "program header 1", problem: "which no file has"),
    Row(
      what: "a place beyond the end", bytes: of(Part(offset: 1 << 61, address: 0, stored: 1)),
      place: "program header 1", problem: "the file ends at byte 120", cure: "incomplete"),
    Row(
      what: "bytes among the headers", bytes: of(Part(offset: 119, address: 0, stored: 1)),
      place: "program header 1",
      problem: "begins at byte 119, before the program headers end (120)"),
    Row(
      what: "bytes of the file for two segments",
      bytes: of(
        Part(offset: 183, address: 0x9000, bytes: eight),
        Part(offset: 176, address: 0x1000, bytes: eight)),
      place: "program header 1", problem: "shares byte 183 of the file with program header 2",
      cure: "without paging"),
    Row(
      what: "a core of a process, without physical addresses",
      bytes: of(
        Part(offset: 176, address: 0, bytes: eight), Part(offset: 184, address: 0, bytes: eight)),
      place: "program header 2", problem: "shares the physical address 0x0 with program header 1",
      cure: "not one of a process"),
    Row(
      what: "memory that is zeros in one segment and stored in another",
      bytes: of(
        Part(offset: 176, address: 0x1000, bytes: eight, memory: 0x1001),
        Part(offset: 184, address: 0x2000, bytes: eight)),
      place: "program header 2", problem: "shares the physical address 0x2000"),
    Row(
      what: "a page in parts against the order of addresses",
      bytes: of(
        Part(offset: 176, address: 0x1800, bytes: eight),
        Part(offset: 184, address: 0x1000, bytes: eight)),
      place: "program header 1", problem: "shares the page of 0x1800 with program header 2"),
  ]

  @Test(
    "the error names the place, what was seen and what to do",
    arguments: recognition + pages + headers + segments)
  func refusal(_ row: Row) throws {
    try withFile(row.bytes, named: row.name) { path in
      let error = #expect(throws: TraceError.self) {
        try readImage(path, as: row.requested, base: row.base)
      }
      #expect(error?.file == path)
      #expect(error?.place == row.place)
      #expect(error?.problem.contains(row.problem) == true, "\(String(describing: error))")
      #expect(error?.cure.contains(row.cure) == true, "\(String(describing: error))")
    }
  }
}
