import Testing

@testable import Translation

/// Scenarios that are told once for every architecture, and each one's words for invalidations.
enum UnitScenario {
  enum Unit: String, Sendable, CaseIterable {
    case legacy
    case scalable
    case amd

    var preset: String { self == .amd ? "qemu-amdvi" : "qemu-vtd" }

    var settings: [String] {
      // Caches and a log of faults that the emulators whose presets these are do without.
      let cache = "{sets: 1, ways: 16, replacement: \"lru\"}"
      return [
        "iommu.quirks=[]", "iommu.contextCache=\(cache)", "iommu.pasidCache=\(cache)",
        "iommu.faultRecords=8",
      ] + (self == .scalable ? ["iommu.mode=scalable"] : [])
    }

    /// The words of `!pages DOMAIN ADDRESS MASK`, `!domain DOMAIN`, `!devices`, `!tlb DEVICE ADDRESS`
    /// and `!wait`, which may be sent to a unit by `@N` at the end.
    ///
    /// Source: Intel VT-d 4.1, "Invalidation Queue"; AMD 48882, "Commands": opcode in bits 63:60.
    func command(_ line: String) -> String {
      var parts = line.dropFirst().split(separator: " ").map(String.init)
      var unit = ""
      if let last = parts.last, last.hasPrefix("@") {
        unit = "unit=\(last.dropFirst()) "
        parts.removeLast()
      }
      func number(_ at: Int) -> UInt64 {
        let text = parts[at]
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) ?? 0 : UInt64(text) ?? 0
      }
      func text(_ words: (UInt64, UInt64)) -> String {
        "iommuCommand \(unit)word0=\(words.0) word1=\(words.1)"
      }
      switch parts[0] {
      case "pages":
        guard self == .amd else {
          return text((number(1) << 16 | 0x32, number(2) | number(3)))
        }
        // S and ones below the lowest zero say 2^mask pages; PDE takes tables too.
        let ones: UInt64 = number(3) == 0 ? 0 : (1 << (number(3) - 1)) - 1
        let sized: UInt64 = number(3) == 0 ? 0 : 1
        return text((3 << 60 | number(1) << 32, number(2) | ones << 12 | 2 | sized))
      case "domain":
        return self == .amd
          ? text((3 << 60 | number(1) << 32, 0x7fff_ffff_ffff_f003))
          : text((number(1) << 16 | 0x22, 0))
      case "devices":
        // Contexts and PASIDs, or the entry of device 0x38.
        return self == .amd ? text((2 << 60 | 0x38, 0)) : text((0x11, 0)) + "\n" + text((0x37, 0))
      case "tlb":
        return self == .amd
          ? text((4 << 60 | number(1), number(2))) : text((number(1) << 32 | 3, number(2)))
      default: return text((self == .amd ? 1 << 60 : 0x25, 0))
      }
    }

    func scenario(_ text: String) -> String {
      let lines = UnitScenario.expand(text).map { $0.hasPrefix("!") ? command($0) : $0 }
      return "nestwalk scenario 1\n" + lines.joined(separator: "\n") + "\n"
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var expected: [String]
    var units = Unit.allCases
    var settings: [String] = []
    var text: String
    var testDescription: String { name }

    init(
      _ name: String, _ expected: [String], units: [Unit] = Unit.allCases,
      settings: [String] = [], _ text: String
    ) {
      (self.name, self.expected, self.units) = (name, expected, units)
      (self.settings, self.text) = (settings, text)
    }
  }

  /// Lines that many scenarios have: `$used $unmap` stands for both.
  ///
  /// `used`: device 0x38 of domain 5 has written page 7, which is frame 0x100. `ask` is a translation
  /// request for it, and `translated` a translated request for the frame. `both`: domain 5 behind two
  /// units, its page unmapped.
  static let lines: [String: String] = [
    "$used":
      """
    attach device=0x38 domain=5
    iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3
    dma device=0x38 address=0x7000 bytes=64 kind=1
    """,
    "$unmap":
      """
    iommuUnmap domain=5 address=0x7000 bytes=4096
    """,
    "$write":
      """
    dma device=0x38 address=0x7000 bytes=64 kind=1
    """,
    "$elsewhere":
      """
    iommuMap domain=5 address=0x7000 output=0x101000 bytes=4096 rights=3
    """,
    "$flush":
      """
    !pages 5 0x7000 0
    !wait
    """,
    "$ask":
      """
    dma device=0x38 address=0x7000 bytes=64 kind=5
    """,
    "$translated":
      """
    dma device=0x38 address=0x100000 bytes=64 kind=9
    """,
    "$both":
      """
    attach device=0x38 domain=5 unit=1
    attach device=0x40 domain=5 unit=2
    iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3
    dma device=0x38 address=0x7000 bytes=64 kind=1
    dma device=0x40 address=0x7000 bytes=64 kind=1
    $unmap
    """,
    "$guests":
      """
    domainOwner domain=5 guest=1
    frameOwner guest=1 frame=0x100 frames=1
    """,
  ]

  static func expand(_ text: String) -> [String] {
    text.split(separator: "\n").flatMap { line -> [String] in
      guard line.hasPrefix("$") else { return [String(line)] }
      return line.split(separator: " ").flatMap { expand(lines[String($0)] ?? "") }
    }
  }
}
