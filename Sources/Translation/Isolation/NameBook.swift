import TraceFile

/// Names that the trace gives to devices, domains and guests.
struct NameBook {
  private var names: [UInt64: String] = [:]

  /// A bound for hostile traces.
  static let maximum = 1 << 16

  private static func key(_ kind: NamedKind, _ id: UInt32) -> UInt64 {
    kind.rawValue << 32 | UInt64(id)
  }

  mutating func add(_ event: TraceEvent) {
    guard let kind = NamedKind(rawValue: event[0]), names.count < Self.maximum else { return }
    names[Self.key(kind, UInt32(truncatingIfNeeded: event[1]))] = event.text
  }

  /// A number as people write it, with its name where it has one.
  private func text(_ kind: NamedKind, _ id: UInt32, _ plain: String) -> String {
    guard let name = names[Self.key(kind, id)], name != plain else { return plain }
    return "\(plain) (\(name))"
  }

  /// Bus, device and function; a number beyond 16 bits stays one.
  func device(_ id: UInt32) -> String {
    guard id >> 16 == 0 else { return text(.device, id, hex(UInt64(id))) }
    func two(_ number: UInt32) -> String {
      let digits = String(number, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }
    return text(.device, id, "\(two(id >> 8)):\(two(id >> 3 & 31)).\(id & 7)")
  }

  func domain(_ id: UInt32) -> String { text(.domain, id, hex(UInt64(id))) }

  func guest(_ id: UInt32) -> String { id == 0 ? "host" : text(.guest, id, "guest \(id)") }

  func vcpu(_ id: UInt32) -> String { text(.vcpu, id, String(id)) }
}

/// With `0x`.
func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }
