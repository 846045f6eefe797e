/// The physical memory that IOMMUs read tables from: an image, and what the trace writes into it.
struct IOMemory: ~Copyable {
  private(set) var frames = PhysicalMemory()
  private(set) var refusedWrites = 0
  /// Who wants to see what is read; asking for the object itself would count it.
  private var watch: DeviceWatch?
  private var isWatched = false

  /// Frames that writes may add: 4 GiB, so that a trace of any size needs a bounded memory.
  private static let maximumFrames = 1 << 20

  /// Adds a page of an image.
  mutating func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == 4096, frames.words(in: frame) == nil,
      let words = frames.addFrame(frame)
    else { return false }
    for at in 0..<512 {
      words[at] = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self))
    }
    return true
  }

  /// Writes an entry; a frame that no image has is zero elsewhere.
  ///
  /// Model: a table whose first write the trace shows was empty before.
  mutating func write(_ address: UInt64, _ value: UInt64) {
    guard let words = table(in: address >> 12) else {
      refusedWrites += 1
      return
    }
    words[Int(address >> 3 & 511)] = value
  }

  /// A frame's entries, added empty where there is none.
  mutating func table(in frame: UInt64) -> UnsafeMutablePointer<UInt64>? {
    if let words = frames.words(in: frame) { return words }
    guard frames.frameCount < Self.maximumFrames else { return nil }
    return frames.addFrame(frame)
  }

  /// An entry; nothing where the memory does not have it.
  @inline(__always)
  func read(_ address: UInt64) -> UInt64? {
    guard let words = frames.words(in: address >> 12) else { return nil }
    let value = words[Int(address >> 3 & 511)]
    if isWatched { note(address, value) }
    return value
  }

  /// Shows somebody every entry that is read from now on.
  mutating func watch(_ watch: DeviceWatch) {
    self.watch = watch
    isWatched = true
  }

  /// An entry was read by a walk that does not come here.
  @inline(never)
  func note(_ address: UInt64, _ value: UInt64) { watch?.note(address, value) }

  /// Shows a walk's entries.
  @inline(__always)
  func note(_ path: borrowing WalkPath) {
    guard isWatched else { return }
    for at in 0..<path.count { note(path[at].address.rawValue, path[at].value) }
  }
}
