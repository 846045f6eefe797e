import Foundation
import Testing

@testable import TraceFile

@Suite("Byte source")
struct ByteSourceTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var stored: [UInt8]
    var bytes: [UInt8] = Sample.text
    var testDescription: String { what }
  }

  static let readable = [
    Row(what: "plain", stored: Sample.text),
    Row(what: "zstd", stored: Sample.zstd),
    Row(what: "gzip", stored: Sample.gzip),
    Row(what: "stored gzip", stored: storedGzip(Sample.text)),
    Row(what: "xz", stored: Sample.xz),
    Row(
      what: "two zstd frames", stored: Sample.zstd + Sample.zstd,
      bytes: Sample.text + Sample.text),
    Row(
      what: "skippable frames around a zstd frame",
      stored: Sample.skippable + Sample.zstd + Sample.skippable),
    Row(
      what: "two gzip members", stored: Sample.gzip + Sample.gzip,
      bytes: Sample.text + Sample.text),
    Row(what: "two xz streams", stored: Sample.xz + Sample.xz, bytes: Sample.text + Sample.text),
    Row(
      what: "two xz streams with padding", stored: Sample.xz + [0, 0, 0, 0] + Sample.xz,
      bytes: Sample.text + Sample.text),
    Row(what: "a container, which is not decompressed", stored: container, bytes: container),
  ]

  // A skippable frame of magic number 0x184d2a50 whose payload begins with NWTF, then a frame.
  static let container = unhex("502a4d1808000000") + Array("NWTF0000".utf8) + Sample.zstd

  @Test("stored bytes are decompressed by what they are, not by name", arguments: readable)
  func decompression(_ row: Row) throws {
    let found = try withFile(row.stored, named: "trace.bin") { try bytes(of: $0) }
    #expect(found == row.bytes)
  }

  @Test("every strict prefix of compressed data is an error that names a byte in it")
  func truncation() throws {
    for (stored, magic) in [(Sample.zstd, 4), (Sample.gzip, 2), (Sample.xz, 6)] {
      for count in magic..<stored.count {
        let error = try withFile(Array(stored.prefix(count))) { path in
          #expect(throws: TraceError.self) { try bytes(of: path) }
        }
        #expect(error?.place == "byte \(count)")
        #expect(error?.problem.contains("end here") == true)
      }
    }
  }

  @Test("a flipped byte of compressed data never gives other bytes")
  func damage() throws {
    for (stored, magic) in [(Sample.zstd, 4), (Sample.gzip, 2), (Sample.xz, 6)] {
      for place in magic..<stored.count {
        for flip: UInt8 in [0x01, 0x80, 0xff] {
          var damaged = stored
          damaged[place] ^= flip
          try withFile(damaged) { path in
            // Bytes that say nothing, such as gzip's time, may change.
            if let found = try? bytes(of: path) { #expect(found == Sample.text) }
          }
        }
      }
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var what: String
    var stored: [UInt8]
    var place: String
    var problem: String
    var testDescription: String { what }
  }

  static let refused = [
    Refusal(what: "an empty file", stored: [], place: "byte 0", problem: "is empty"),
    Refusal(what: "bzip2", stored: Sample.bzip2, place: "byte 0", problem: "is bzip2 data"),
    Refusal(what: "lz4", stored: Sample.lz4, place: "byte 0", problem: "is lz4 data"),
    Refusal(
      what: "lz4 behind a skippable frame", stored: Sample.skippable + Sample.lz4,
      place: "byte 12", problem: "is lz4 data"),
    Refusal(
      what: "zip", stored: unhex("504b0304140000000800"), place: "byte 0", problem: "is zip data"),
    Refusal(
      what: "bytes after a zstd frame", stored: Sample.zstd + Array("abc".utf8),
      place: "byte 39", problem: "61 62 63 follows the end of the zstd data"),
    Refusal(
      what: "bytes after a gzip member", stored: Sample.gzip + [0, 0],
      place: "byte 46", problem: "00 00 follows the end of the gzip data"),
    Refusal(
      what: "bytes after an xz stream", stored: Sample.xz + [0, 0, 0],
      place: "byte 84", problem: "00 00 00 follows the end of the xz data"),
    Refusal(
      what: "a zstd window of 2^28 bytes", stored: Sample.zstdHuge,
      place: "byte 0", problem: "a window of more than 128 MiB"),
    Refusal(
      what: "an xz dictionary of 512 MiB", stored: Sample.xzHuge,
      place: "byte 24", problem: "more than 256 MiB"),
  ]

  @Test("what is not read is refused by name, with its place", arguments: refused)
  func refusal(_ row: Refusal) throws {
    let error = try withFile(row.stored) { path in
      #expect(throws: TraceError.self) { try bytes(of: path) }
    }
    #expect(error?.place == row.place)
    #expect(error?.problem.contains(row.problem) == true, "\(String(describing: error))")
    #expect(error?.cure.isEmpty == false)
  }

  @Test("a missing file and a directory are named as such")
  func opening() throws {
    let missing = #expect(throws: TraceError.self) { try ByteSource(path: "/nowhere/trace.zst") }
    #expect(missing?.description == "/nowhere/trace.zst: open: does not exist; check the path")
    let folder = #expect(throws: TraceError.self) { try ByteSource(path: "/tmp") }
    #expect(folder?.problem == "is a directory")
  }

  @Test("the hash is that of the stored bytes, whatever was read of them")
  func hash() throws {
    // FIPS 180-2, appendix B.1: SHA-256 of "abc".
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    try withFile(Array("abc".utf8)) { path in
      #expect(try ByteSource(path: path).finish() == abc)
      let source = try ByteSource(path: path)
      while try source.fill() {}
      #expect(source.bytesRead == 3 && source.totalBytes == 3)
      #expect(try source.finish() == abc)
    }
  }

  @Test("a window keeps what is not consumed, over more bytes than it holds")
  func window() throws {
    let stored = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 / 251) }
    try withFile(stored) { path in
      let source = try ByteSource(path: path)
      var found: [UInt8] = []
      while try source.ensure(1000) {
        #expect(source.position == found.count)
        found += source.window.prefix(999)
        source.consume(999)
      }
      found += source.window
      #expect(found == stored)
    }
  }

  @Test("a last line without its newline is ended, once")
  func lastLine() throws {
    try withFile(Array("one\ntwo".utf8)) { path in
      let source = try ByteSource(path: path)
      #expect(try Array(source.wholeLines(from: 1)) == Array("one\n".utf8))
      #expect(!source.endsInsideLine)
      source.consume(4)
      for _ in 1...2 {
        #expect(try Array(source.wholeLines(from: 2)) == Array("two\n".utf8))
        #expect(source.endsInsideLine)
      }
      source.consume(4)
      #expect(try source.wholeLines(from: 3).isEmpty)
    }
  }
}
