import TraceFile

/// An image's memory, which all that walk it share.
///
/// Pages are added, or read when they are wanted from an image that is attached. Pages of zeros are one.
final class ImageMemory {
  var memory = PhysicalMemory()
  /// Where pages that memory does not have are read from.
  private let pages: PagedImage?
  /// The first error of reading them.
  private(set) var error: TraceError?
  private var zeros: UnsafeMutablePointer<UInt64>?

  init(_ pages: PagedImage? = nil) { self.pages = pages }

  /// Adds a page of 4096 bytes.
  ///
  /// - Returns: whether it was new and there was memory for it.
  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == 4096, memory.words(in: frame) == nil else { return false }
    var any: UInt64 = 0
    for at in 0..<512 { any |= bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self) }
    if any == 0, let zeros {
      memory.addFrame(frame, sharing: zeros)
      return true
    }
    guard let words = memory.addFrame(frame) else { return false }
    if any == 0 { zeros = words }
    for at in 0..<512 {
      words[at] = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self))
    }
    return true
  }

  /// The entries of a frame's table, read from the image where need be.
  func words(in frame: UInt64) -> UnsafeMutablePointer<UInt64>? {
    memory.words(in: frame) ?? (load(frame) ? memory.words(in: frame) : nil)
  }

  /// Reads a frame that memory does not have.
  ///
  /// - Returns: whether the image has it.
  func load(_ frame: UInt64) -> Bool {
    guard let pages, error == nil, frame < 1 << 40 else { return false }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { bytes in
      do throws(TraceError) {
        guard try pages.read(pageAt: frame << 12, into: bytes) else { return false }
        return addPage(frame, UnsafeRawBufferPointer(bytes))
      } catch {
        self.error = error
        return false
      }
    }
  }
}

/// What a pair of formats does with an image: chosen once a walk, specialised inside.
struct StageWalk {
  let walk: (GVA, Rights, WalkContext, inout WalkPath) -> WalkOutcome
  let forEachLeaf: (WalkContext, (LeafReport) -> Void) -> Result<LeafSummary, TableError>

  /// - Parameters:
  ///   - first: of the first stage's entries.
  ///   - second: of the second stage's; any where there is none.
  ///   - image: holds the tables.
  ///   - caches: of the walker; none where every entry is to be read.
  ///   - setsBits: whether walks set accessed and dirty bits.
  init(
    _ first: TableRoot.Format, _ second: TableRoot.Format?, _ image: ImageMemory,
    caches: consuming WalkCacheSet = WalkCacheSet([], hasSecondStage: false), setsBits: Bool = false
  ) {
    // Closures made where the formats are known are specialised for them; a protocol's or a generic
    // class's methods are not.
    switch (first, second) {
    case (.x86, nil), (.x86, .ept):
      self.init(TwoStageWalk<X86PageTable, ExtendedPageTable>(image, caches, setsBits))
    case (.x86, .npt):
      self.init(TwoStageWalk<X86PageTable, NestedPageTable>(image, caches, setsBits))
    case (.x86, .x86):
      self.init(TwoStageWalk<X86PageTable, X86PageTable>(image, caches, setsBits))
    case (.ept, nil), (.ept, .ept):
      self.init(TwoStageWalk<ExtendedPageTable, ExtendedPageTable>(image, caches, setsBits))
    case (.ept, .npt):
      self.init(TwoStageWalk<ExtendedPageTable, NestedPageTable>(image, caches, setsBits))
    case (.ept, .x86):
      self.init(TwoStageWalk<ExtendedPageTable, X86PageTable>(image, caches, setsBits))
    case (.npt, nil), (.npt, .npt):
      self.init(TwoStageWalk<NestedPageTable, NestedPageTable>(image, caches, setsBits))
    case (.npt, .ept):
      self.init(TwoStageWalk<NestedPageTable, ExtendedPageTable>(image, caches, setsBits))
    case (.npt, .x86):
      self.init(TwoStageWalk<NestedPageTable, X86PageTable>(image, caches, setsBits))
    }
  }

  private init<First, Second>(_ pair: TwoStageWalk<First, Second>) {
    walk = { pair.walk($0, $1, $2, &$3) }
    forEachLeaf = { context, body in
      do throws(TableError) {
        return .success(try pair.forEachLeaf(context, body))
      } catch {
        return .failure(error)
      }
    }
  }
}

/// An image with the walker of its formats.
final class TwoStageWalk<First: PageTableFormat, Second: PageTableFormat> {
  private let image: ImageMemory
  private var walker: Walker<First, Second>

  init(_ image: ImageMemory, _ caches: consuming WalkCacheSet, _ setsBits: Bool) {
    self.image = image
    walker = Walker(caches: caches, setsBits: setsBits)
  }

  @inline(__always)
  func walk(
    _ address: GVA, _ access: Rights, _ context: WalkContext, _ path: inout WalkPath
  ) -> WalkOutcome {
    while true {
      let outcome = walker.walk(address, access, in: context, image.memory, path: &path)
      // A table that the image has and memory did not: from the start again, with one table more.
      guard case .fault(let fault) = outcome, fault.reason == .absent,
        image.load(walker.absentFrame)
      else { return outcome }
    }
  }

  func forEachLeaf(
    _ context: WalkContext, _ body: (LeafReport) -> Void
  ) throws(TableError) -> LeafSummary {
    try LeafEnumeration<First, Second>.run(image, context, body)
  }
}
