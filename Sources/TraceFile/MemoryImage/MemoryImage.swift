/// A format that images of physical memory come in, by the name that `--format` takes.
public enum MemoryImageFormat: String, CaseIterable, Sendable {
  /// Pages with their addresses, in any order.
  case nwsp
  /// The bytes of memory from one address on.
  case raw
  /// An ELF core of guest memory, as QEMU and libvirt write it.
  case elf
}

/// What was read from an image of physical memory.
public struct MemoryImage: Equatable, Sendable {
  /// The format that the image was read as.
  public let format: MemoryImageFormat
  /// Pages that were given.
  public let pages: Int
  /// The SHA-256 of the file as it is stored, as 64 lower-case hexadecimal digits.
  public let sha256: String

  /// What takes a page: its address, and its 4096 bytes.
  public typealias PageBody =
    (_ address: UInt64, _ bytes: UnsafeRawBufferPointer) throws(TraceError) -> Void

  /// Reads an image from its start to its end, compressed or not, in bounded memory.
  ///
  /// - Parameters:
  ///   - path: of a file, or `-` for standard input.
  ///   - format: what the user says it is; otherwise it is recognised.
  ///   - base: the physical address of the first byte of a raw dump, which is what makes an image
  ///     raw that is not recognised.
  ///   - page: called once for each page of the image. Its bytes are valid only in the call, and
  ///     their alignment is not promised.
  /// - Returns: the format, the number of pages and the file's hash.
  /// - Throws: an error for what is no image, contradicts itself or ends too early, and whatever
  ///   the body throws. Pages that were given before are then worth nothing.
  public static func read(
    path: String, format: MemoryImageFormat?, base: UInt64?, page: PageBody
  ) throws(TraceError) -> MemoryImage {
    let source = try ByteSource(path: path)
    let recognised = try MemoryImageFormat(of: source, requested: format, base: base)
    let pages =
      switch recognised {
      case .nwsp: try SparseImage(source).read(page)
      case .raw: try RawImage(source, base: base).read(page)
      case .elf: try ELFCore(source).read(page)
      }
    return MemoryImage(format: recognised, pages: pages, sha256: try source.finish())
  }

  /// Bytes of a page.
  static let pageBytes = 4096
  /// The first address that no page has: x86-64 and Arm have 52 bits of physical address.
  static let addressLimit: UInt64 = 1 << 52
}

/// What is wrong with an address for a page of an image; nothing for a good one.
func pageOddity(_ address: UInt64) -> String? {
  if address >= MemoryImage.addressLimit { return "is not below 2^52" }
  return address % UInt64(MemoryImage.pageBytes) == 0 ? nil : "is no multiple of 4096"
}
