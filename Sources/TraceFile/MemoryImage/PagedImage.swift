#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// An uncompressed raw dump or ELF core of which single pages are read where they stand, so that a walk
/// of a dump of any size needs the memory of the tables that it meets.
public final class PagedImage {
  /// A stretch of the file that is a stretch of memory.
  private struct Stretch {
    var address: UInt64
    var offset: UInt64
    var count: UInt64
  }

  private let file: String
  private let descriptor: CInt
  /// In order of address.
  private let stretches: [Stretch]

  /// Opens an image and reads its headers.
  ///
  /// There is none for an image whose pages cannot be found without reading all of it: one that is
  /// compressed, comes through a pipe or is a sparse image.
  ///
  /// - Parameters:
  ///   - path: of a file.
  ///   - format: what the user says it is; otherwise it is recognised.
  ///   - base: the physical address of the first byte of a raw dump.
  /// - Throws: an error for what is no image or ends too early.
  public convenience init?(
    path: String, format: MemoryImageFormat?, base: UInt64?
  ) throws(TraceError) {
    guard path != "-" else { return nil }
    let source = try ByteSource(path: path)
    guard source.compression == .plain, let size = source.totalBytes else { return nil }
    let stretches: [Stretch]
    switch try MemoryImageFormat(of: source, requested: format, base: base) {
    case .nwsp: return nil
    case .raw:
      let dump = try RawImage(source, base: base)
      try dump.check(size: UInt64(size))
      stretches = [Stretch(address: base ?? 0, offset: 0, count: UInt64(size))]
    case .elf:
      let core = try ELFCore(source)
      try core.check(size: UInt64(size))
      stretches = core.segments.map {
        Stretch(address: $0.address, offset: $0.offset, count: $0.storedBytes)
      }
    }
    try self.init(path, stretches)
  }

  private init(_ path: String, _ stretches: [Stretch]) throws(TraceError) {
    file = path
    self.stretches = stretches.sorted { $0.address < $1.address }
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw TraceError(
        file: path, place: "open",
        problem: "cannot be opened (\(String(cString: strerror(errno))))",
        cure: "check the path and its permissions")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Reads a page; bytes of it that the image does not store are zeros.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096, to be filled.
  /// - Returns: whether the image stores any of it.
  /// - Throws: an error where the file cannot be read or has become shorter.
  public func read(
    pageAt address: UInt64, into bytes: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Bool {
    let end = address + UInt64(MemoryImage.pageBytes)
    // The first stretch that ends after the page begins.
    var (low, high) = (0, stretches.count)
    while low < high {
      let middle = (low + high) / 2
      if stretches[middle].address + stretches[middle].count <= address {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < stretches.count, stretches[low].address < end else { return false }
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    while low < stretches.count, stretches[low].address < end {
      let stretch = stretches[low]
      let from = max(address, stretch.address)
      let to = min(end, stretch.address + stretch.count)
      try read(
        at: stretch.offset + (from - stretch.address),
        into: UnsafeMutableRawBufferPointer(
          rebasing: bytes[Int(from - address)..<Int(to - address)]))
      low += 1
    }
    return true
  }

  private func read(
    at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer
  ) throws(TraceError) {
    var done = 0
    while done < bytes.count {
      let count = pread(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
        off_t(offset) + off_t(done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let problem =
          count == 0
          ? "ends here and did not before"
          : "cannot be read (\(String(cString: strerror(errno))))"
        throw TraceError(
          file: file, place: "byte \(offset + UInt64(done))", problem: problem,
          cure: "check the file and the disk it is on")
      }
      done += count
    }
  }
}

extension RawImage {
  /// Checks that a dump of a size has whole pages, all of them at physical addresses.
  func check(size: UInt64) throws(TraceError) {
    let pageBytes = UInt64(MemoryImage.pageBytes)
    guard size <= MemoryImage.addressLimit - base else {
      throw source.error(
        "--base", "\(pointer(base)) puts the end of \(size) bytes beyond 2^52",
        "give a lower --base")
    }
    guard size % pageBytes == 0 else {
      throw source.error(
        "byte \(size / pageBytes * pageBytes)",
        "the last page ends after \(size % pageBytes) of 4096 bytes",
        "the dump is incomplete or not raw: take it again")
    }
  }
}

extension ELFCore {
  /// Checks that a file of a size has the bytes of every segment.
  func check(size: UInt64) throws(TraceError) {
    for segment in segments where segment.end > size {
      throw source.error(
        "program header \(segment.number)",
        "is cut off: its bytes go to byte \(segment.end), and the file ends at byte \(size)",
        "the copy is incomplete: fetch it again")
    }
  }
}
