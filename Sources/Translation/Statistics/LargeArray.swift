#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Memory of which whole 2 MiB stand on one page of the machine at hand, where its kernel has them.
///
/// Places picked at random in it then cost one miss of a cache, and not one of a TLB too.
enum LargePages {
  /// On a boundary of as much.
  static let bytes = 2 << 20

  /// Zeros.
  ///
  /// - Parameters:
  ///   - wanted: in bytes, rounded up to whole large pages.
  ///   - isSmall: little of it will be used, and small pages do.
  /// - Returns: nothing where the system has no memory left.
  static func map(_ wanted: Int, isSmall: Bool = false) -> UnsafeMutableRawPointer? {
    let size = rounded(wanted)
    let wide = mmap(nil, size + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let wide, wide != MAP_FAILED else { return nil }
    let before = (bytes - Int(bitPattern: wide) % bytes) % bytes
    if before > 0 { munmap(wide, before) }
    munmap(wide + before + size, bytes - before)
    if !isSmall { madvise(wide + before, size, MADV_HUGEPAGE) }
    return wide + before
  }

  static func unmap(_ memory: UnsafeMutableRawPointer, _ wanted: Int) {
    munmap(memory, rounded(wanted))
  }

  private static func rounded(_ wanted: Int) -> Int { (wanted + bytes - 1) / bytes * bytes }
}

/// An array of zeros that only grows, is read without checks of who holds it, and stands on large
/// pages once it is large.
struct LargeArray<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  /// What others may still read; together shorter than the array.
  private var old: [(base: UnsafeMutablePointer<Element>, capacity: Int)] = []
  private let keepsOld: Bool

  /// - Parameters:
  ///   - zero: an element of zero bits, to name the type by.
  ///   - capacity: at least 1.
  ///   - keepsOld: what stood at `base` may be read there when the array has grown.
  init(of zero: Element, capacity: Int = 1, keepsOld: Bool = false) {
    self.capacity = capacity
    self.keepsOld = keepsOld
    base = Self.allocate(capacity)
  }

  deinit {
    Self.release(base, capacity)
    for (base, capacity) in old { Self.release(base, capacity) }
  }

  @inline(__always)
  subscript(_ at: Int) -> Element {
    get { base[at] }
    nonmutating set { base[at] = newValue }
  }

  /// Makes room for so many.
  @inline(__always)
  mutating func reserve(_ wanted: Int) {
    if wanted > capacity { grow(to: wanted) }
  }

  @inline(never)
  private mutating func grow(to wanted: Int) {
    let (before, count) = (base, capacity)
    capacity = max(2 * capacity, wanted, 1 << 10)
    base = Self.allocate(capacity)
    base.update(from: before, count: count)
    if keepsOld { old.append((before, count)) } else { Self.release(before, count) }
  }

  private static func bytes(_ count: Int) -> Int { count * MemoryLayout<Element>.stride }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
    let size = bytes(count)
    let memory = size < LargePages.bytes ? calloc(1, size) : LargePages.map(size)
    guard let memory else { fatalError("nestwalk: the system has no memory left") }
    return memory.bindMemory(to: Element.self, capacity: count)
  }

  private static func release(_ base: UnsafeMutablePointer<Element>, _ count: Int) {
    let size = bytes(count)
    if size < LargePages.bytes { free(base) } else { LargePages.unmap(base, size) }
  }
}
