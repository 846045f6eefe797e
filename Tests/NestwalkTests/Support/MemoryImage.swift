import Foundation

/// An image of memory: pages with some of their 64-bit words set.
struct MemoryImage {
  var pages: [UInt64: [Int: UInt64]]

  private var ordered: [(address: UInt64, page: [UInt8])] {
    pages.sorted { $0.key < $1.key }.map { address, words in
      (address, (0..<512).flatMap { Self.bytes(words[$0] ?? 0, 8) })
    }
  }

  private static func bytes(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// Each page behind its address.
  var sparse: [UInt8] { ordered.flatMap { Self.bytes($0.address, 8) + $0.page } }

  /// From address 0 on.
  func raw(bytes: Int) -> [UInt8] {
    var all = [UInt8](repeating: 0, count: bytes)
    for (address, page) in ordered {
      all.replaceSubrange(Int(address)..<Int(address) + 4096, with: page)
    }
    return all
  }

  /// An ELF core with a loaded segment for each page.
  ///
  /// Source: System V ABI, "ELF Header" and "Program Header": type 4 is a core, machine 62 x86-64,
  /// segment type 1 is loaded.
  var core: [UInt8] {
    let pages = ordered
    var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    for (value, width) in [
      (4, 2), (62, 2), (1, 4), (0, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2),
      (UInt64(pages.count), 2), (0, 2), (0, 2), (0, 2),
    ] as [(UInt64, Int)] { header += Self.bytes(value, width) }
    let start = UInt64(64 + 56 * pages.count)
    for (place, one) in pages.enumerated() {
      header += Self.bytes(1, 4) + Self.bytes(4, 4)
      for value in [start + 4096 * UInt64(place), one.address, one.address, 4096, 4096, 4096] {
        header += Self.bytes(value, 8)
      }
    }
    return header + pages.flatMap(\.page)
  }

  /// A table whose entries lead back to it, with all rights and both flags: every level of a walk is
  /// the same page.
  static func loop(_ address: UInt64, _ indexes: Int...) -> [Int: UInt64] {
    Dictionary(uniqueKeysWithValues: indexes.map { ($0, address | 0x67) })
  }
}
