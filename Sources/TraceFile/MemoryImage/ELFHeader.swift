/// The header at the start of an ELF core: where its program headers are.
///
/// Source: ELF-64 Object File Format, version 1.5 draft 2, 27 May 1998, "ELF Header".
struct ELFHeader {
  /// Where in the file the program headers begin (e_phoff).
  let tableOffset: UInt64
  /// Program headers (e_phnum); at most 65,534, so that a table is at most 3.7 MB.
  let tableCount: Int

  static let bytes = 64
  static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]

  private static let classOffset = 4  // EI_CLASS
  private static let byteOrderOffset = 5  // EI_DATA
  private static let versionOffset = 6  // EI_VERSION
  private static let typeOffset = 16  // e_type
  private static let tableOffsetOffset = 32  // e_phoff
  private static let entrySizeOffset = 54  // e_phentsize
  private static let countOffset = 56  // e_phnum

  private static let core: UInt16 = 4  // ET_CORE
  // PN_XNUM: the count is then sh_info of section header 0. elf(5); QEMU, dump/dump.c.
  private static let countIsElsewhere: UInt16 = 0xffff

  /// Reads and consumes the header.
  ///
  /// - Throws: an error for anything but a little-endian 64-bit core with program headers.
  init(_ source: ByteSource) throws(TraceError) {
    guard try source.ensure(Self.bytes) else {
      throw source.error(
        "byte \(source.window.count)", "ends in the ELF header of \(Self.bytes) bytes",
        "the copy is incomplete: fetch it again")
    }
    let head = UnsafeRawBufferPointer(rebasing: source.window[..<Self.bytes])
    try Self.check(head, of: source)
    tableOffset = head.number(at: Self.tableOffsetOffset, as: UInt64.self)
    tableCount = Int(head.number(at: Self.countOffset, as: UInt16.self))
    guard tableOffset >= UInt64(Self.bytes) else {
      throw source.error(
        "byte \(Self.tableOffsetOffset)",
        "the program headers begin at byte \(tableOffset), inside the ELF header",
        "the file is damaged: take the dump again")
    }
    source.consume(Self.bytes)
  }

  private static func check(
    _ head: UnsafeRawBufferPointer, of source: ByteSource
  ) throws(TraceError) {
    func require(
      _ isGood: Bool, _ offset: Int, _ problem: @autoclosure () -> String, _ cure: String
    ) throws(TraceError) {
      guard isGood else { throw source.error("byte \(offset)", problem(), cure) }
    }
    let guest = "give the dump of a little-endian 64-bit guest"
    let classCode = head[classOffset]
    try require(
      classCode == 2, classOffset,
      "is \(classCode == 1 ? "a 32-bit ELF file" : "an ELF file of class \(classCode)"), "
        + "not a 64-bit one (class 2)", guest)
    let order = head[byteOrderOffset]
    try require(
      order == 1, byteOrderOffset,
      "is \(order == 2 ? "a big-endian ELF file" : "an ELF file of byte order \(order)"), "
        + "not a little-endian one (1)", guest)
    try require(
      head[versionOffset] == 1, versionOffset,
      "is an ELF file of version \(head[versionOffset]), not 1",
      "the file is damaged: take the dump again")
    let type = head.number(at: typeOffset, as: UInt16.self)
    try require(
      type == core, typeOffset, "is \(name(ofType: type)), not a core (type 4)",
      "give what dump-guest-memory or virsh dump --memory-only wrote")
    let count = head.number(at: countOffset, as: UInt16.self)
    try require(
      count != countIsElsewhere, countOffset,
      "counts its program headers in section header 0, as with 65,535 or more, "
        + "which is not read here",
      "take the dump without paging (no -p)")
    try require(
      count > 0, countOffset, "has no program headers", "give a core of guest memory")
    let size = head.number(at: entrySizeOffset, as: UInt16.self)
    try require(
      size == ELFSegment.headerBytes, entrySizeOffset,
      "has program headers of \(size) bytes, not \(ELFSegment.headerBytes)",
      "the file is damaged: take the dump again")
  }

  private static func name(ofType type: UInt16) -> String {
    switch type {
    case 1: "a relocatable ELF file (type 1)"
    case 2: "an ELF executable (type 2)"
    case 3: "an ELF shared object (type 3)"
    default: "an ELF file of type \(type)"
    }
  }
}
