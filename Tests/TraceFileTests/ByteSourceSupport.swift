import Foundation

@testable import TraceFile

/// All decompressed bytes of a file.
func bytes(of path: String) throws(TraceError) -> [UInt8] {
  let source = try ByteSource(path: path)
  var bytes: [UInt8] = []
  while try source.fill() {
    bytes += source.window
    source.consume(source.window.count)
  }
  return bytes
}

/// Gives a file with these bytes to the body and removes it afterwards.
func withFile<Result>(
  _ bytes: [UInt8], named name: String = "trace", _ body: (String) throws -> Result
) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appending(path: name)
  try Data(bytes).write(to: file)
  return try body(file.path)
}

/// The bytes that hexadecimal digits stand for.
func unhex(_ digits: String) -> [UInt8] {
  let values = digits.compactMap { $0.hexDigitValue }
  return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
}

/// Two lines of lackey's, and what the usual tools make of them.
enum Sample {
  static let text = Array("I  0401ab70,3\n L 1ffeff,8\n".utf8)
  /// By `gzip -nc`.
  static let gzip = unhex(
    "1f8b0800000000000003f35450303031304c4c3237d031e652f051304c4b4b4d4bd3b1e00200f56689e61a000000")
  /// By `xz -c`.
  static let xz = unhex(
    "fd377a585a000004e6d6b4460200210116000000742fe5a301001949202030343031616237302c330a204c20316666"
      + "6566662c380a000000a1aeae469ed46c8b0001321a201894301fb6f37d010000000004595a")
  /// By `zstd -qc`.
  static let zstd = unhex(
    "28b52ffd0458d1000049202030343031616237302c330a204c203166666566662c380a31a9530a")
  /// By `bzip2 -c`.
  static let bzip2 = unhex(
    "425a68393141592653595969cd0d000008dd00001040046cc00024330020002213349826429800068914cfb77d1ca4"
      + "c471ec93d5f8bb9229c28482cb4e6868")
  /// By `lz4 -qc`.
  static let lz4 = unhex(
    "04224d186440a71a00008049202030343031616237302c330a204c203166666566662c380a000000000c0659e2")
  /// By `xz --lzma2=preset=0,dict=512MiB -c`.
  static let xzHuge = unhex(
    "fd377a585a000004e6d6b44602002101220000008240acdc01001949202030343031616237302c330a204c20316666"
      + "6566662c380a000000a1aeae469ed46c8b0001321a201894301fb6f37d010000000004595a")
  /// A skippable zstd frame of four bytes: magic number 0x184d2a5e, length, payload.
  static let skippable = unhex("5e2a4d1804000000deadbeef")
  /// A zstd frame that asks for a window of 2^28 bytes: window descriptor (28 - 10) << 3; then one
  /// last raw block of one byte.
  static let zstdHuge = unhex("28b52ffd009009000061")
}

/// RFC 1952 and 1951: one gzip member with one stored block.
func storedGzip(_ bytes: [UInt8]) -> [UInt8] {
  var checksum = UInt32.max
  for byte in bytes {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xedb8_8320 : 0) }
  }
  let count = UInt16(bytes.count)
  return unhex("1f8b08000000000000ff01") + little(count) + little(~count) + bytes
    + little(~checksum) + little(UInt32(count))
}

/// A number's bytes, lowest first.
func little(_ number: some FixedWidthInteger) -> [UInt8] {
  stride(from: 0, to: number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
}
