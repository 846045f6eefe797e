import Machine

/// Whose tables an audit looks at: `NAME=FORMAT@ROOT`, or `NAME=FORMAT@ROOT/FORMAT@ROOT` with a first
/// stage over its second.
public struct AuditSubject: Sendable, Equatable {
  /// In findings.
  public var name: String
  /// A guest's own tables, whose every pointer its second stage has to hold.
  public var first: TableRoot?
  /// From what the guest takes for physical to host-physical addresses.
  public var second: TableRoot

  /// Reads a subject.
  ///
  /// - Parameter text: as the user wrote it.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
    name = String(text[..<equals])
    let stages = text[text.index(after: equals)...]
      .split(separator: "/", omittingEmptySubsequences: false).map { TableRoot(String($0)) }
    guard (1...2).contains(stages.count), let last = stages.last, let second = last else {
      return nil
    }
    self.second = second
    if stages.count == 2 {
      guard let first = stages[0] else { return nil }
      self.first = first
    }
  }

  /// As it is written.
  var text: String {
    func root(_ root: TableRoot) -> String {
      "\(root.format.rawValue):\(root.levels)@\(hex(root.address))"
    }
    return (first.map { root($0) + "/" } ?? "") + root(second)
  }
}

/// A range of host-physical addresses, written `A..B` without B, or `NAME=A..B`.
public struct AuditRange: Sendable, Equatable {
  /// Empty where the range has none.
  public var name: String
  /// The first frame.
  var first: UInt64
  /// The frame behind the last.
  var end: UInt64

  /// Reads a range.
  ///
  /// - Parameter text: as the user wrote it; both ends are rounded outwards to whole pages.
  public init?(_ text: String) {
    var rest = Substring(text)
    name = ""
    if let equals = text.firstIndex(of: "=") {
      guard equals > text.startIndex else { return nil }
      name = String(text[..<equals])
      rest = text[text.index(after: equals)...]
    }
    guard let dots = rest.firstRange(of: ".."),
      let low = number(String(rest[..<dots.lowerBound])),
      let high = number(String(rest[dots.upperBound...])), low < high
    else { return nil }
    first = low >> 12
    end = (high - 1) >> 12 + 1
  }
}

/// A device that a guest was given, written `NAME=BUS:DEVICE.FUNCTION`.
public struct AuditAssignment: Sendable, Equatable {
  /// The guest's name.
  public var guest: String
  /// Bus 15:8, device 7:3, function 2:0.
  var device: UInt32

  /// Reads an assignment.
  ///
  /// - Parameter text: as the user wrote it; a PCI domain before the bus is left out.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
    guest = String(text[..<equals])
    let parts = text[text.index(after: equals)...]
      .split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let last = parts.last else { return nil }
    let slot = last.split(separator: ".", omittingEmptySubsequences: false)
    guard slot.count == 2, let bus = UInt32(parts[parts.count - 2], radix: 16), bus < 256,
      let number = UInt32(slot[0], radix: 16), number < 32,
      let function = UInt32(slot[1], radix: 16), function < 8
    else { return nil }
    device = bus << 8 | number << 3 | function
  }
}
