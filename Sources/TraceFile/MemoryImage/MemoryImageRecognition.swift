extension MemoryImageFormat {
  /// Recognises the format of an image that was just opened, and consumes nothing of it.
  ///
  /// ELF is recognised by content, the sparse format by suffix (its reader looks at every
  /// address), and a raw dump by nothing: it is what the user says.
  ///
  /// - Parameters:
  ///   - source: at its start.
  ///   - requested: what the user says it is; then only what contradicts that is refused.
  ///   - base: the address that the user gave for a raw dump.
  /// - Throws: what was seen, and what to give.
  init(
    of source: ByteSource, requested: MemoryImageFormat?, base: UInt64?
  ) throws(TraceError) {
    _ = try source.ensure(Self.headBytes)
    let head = UnsafeRawBufferPointer(rebasing: source.window.prefix(Self.headBytes))
    guard !head.isEmpty else {
      throw source.error(
        "byte 0", "the \(source.compression.rawValue) data hold nothing",
        "look whether the dump failed")
    }
    let isELF = head.starts(with: ELFHeader.magic)
    if let requested {
      guard requested == .raw || isELF == (requested == .elf) else {
        throw source.error(
          "byte 0", "begins with \(shown(head)), \(isELF ? "as" : "not as") an ELF file does",
          "give another --format than \(requested.rawValue), or none")
      }
    }
    let suffix = formatSuffix(of: source.name)
    let recognised = requested ?? (isELF ? .elf : suffix == "nwsp" ? .nwsp : nil)
    if let recognised {
      guard base == nil || recognised == .raw else {
        throw source.error(
          "--base", "is for raw dumps, and this is read as \(recognised.rawValue)",
          "leave out --base, or give --format raw")
      }
      self = recognised
      return
    }
    try Self.refuseForeign(head, in: source)
    guard base != nil else {
      throw source.error(
        "byte 0", "begins with \(shown(head)), as no image does that is recognised",
        "give --base 0x0 for a raw dump from address 0 on, or --format nwsp")
    }
    self = .raw
  }

  /// Bytes that recognition looks at.
  private static let headBytes = 16

  /// Refuses what other tools write in place of an image, which would pass for a raw dump.
  ///
  /// Sources: QEMU, `include/sysemu/dump.h`, `KDUMP_SIGNATURE` and `MAKEDUMPFILE_SIGNATURE`, and
  /// `migration/savevm.h`, `QEMU_VM_FILE_MAGIC`; libvirt, `src/qemu/qemu_saveimage.h`.
  private static func refuseForeign(
    _ head: UnsafeRawBufferPointer, in source: ByteSource
  ) throws(TraceError) {
    let foreign = [
      ("KDUMP   ", "a kdump-compressed dump"), ("makedumpfile", "a flattened kdump dump"),
      ("QEVM", "a migration stream of QEMU"), ("LibvirtQemudSave", "a saved guest of libvirt"),
    ]
    for (magic, name) in foreign where head.starts(with: Array(magic.utf8)) {
      throw source.error(
        "byte 0", "is \(name), which is not read here",
        "take the dump as ELF: dump-guest-memory alone, or virsh dump --memory-only --format elf")
    }
    let inside = Compression(firstBytes: head)
    guard inside == .plain else {
      throw source.error(
        "byte 0", "the \(source.compression.rawValue) data hold \(inside.rawValue) data",
        "decompress it once, or give --format raw if memory begins like that")
    }
  }
}

/// The first bytes of an image, as an error shows them.
private func shown(_ head: UnsafeRawBufferPointer) -> String {
  hexadecimal(UnsafeRawBufferPointer(rebasing: head.prefix(8)))
}
