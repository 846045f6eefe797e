/// How far a counter may move before a comparison says no.
public struct Allowance: Sendable, Equatable {
  /// Which way.
  enum Bound: Equatable, Sendable {
    /// At most so much more; any decrease passes.
    case increase
    /// At most so much less; any increase passes.
    case decrease
    /// At most so much in either direction.
    case either
    /// Anything, its absence too.
    case any
  }

  var pattern: String
  var bound: Bound
  /// Millionths of the base where `isShare`, else units.
  var amount: Int
  var isShare: Bool
  /// As the user wrote it.
  public var text: String

  /// Reads `COUNTER<=+1%`, `COUNTER>=-100`, `COUNTER+-0.5%` or `COUNTER=*`.
  ///
  /// - Parameter text: `*` in the counter stands for any characters.
  public init?(_ text: String) {
    for (mark, bound) in [
      ("<=+", Bound.increase), (">=-", .decrease), ("+-", .either), ("=*", .any),
    ] {
      guard let at = text.firstRange(of: mark) else { continue }
      let rest = text[at.upperBound...]
      let isShare = rest.hasSuffix("%")
      guard at.lowerBound > text.startIndex,
        let amount = bound == .any
          ? (rest.isEmpty ? 0 : nil) : Self.amount(rest, isShare: isShare)
      else { return nil }
      pattern = String(text[..<at.lowerBound])
      self.bound = bound
      self.amount = amount
      self.isShare = isShare
      self.text = text
      return
    }
    return nil
  }

  /// `100` or `1.25%`: digits, for a share with at most four after its point.
  private static func amount(_ text: Substring, isShare: Bool) -> Int? {
    guard isShare else { return text.allSatisfy(\.isASCIIDigit) ? Int(text) : nil }
    let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
      parts.allSatisfy({ $0.allSatisfy(\.isASCIIDigit) }), let whole = Int(parts[0]),
      whole <= 1_000_000
    else { return nil }
    var fraction = 0
    if parts.count == 2 {
      guard parts[1].count <= 4, let digits = Int(parts[1]) else { return nil }
      fraction = digits
      for _ in parts[1].count..<4 { fraction *= 10 }
    }
    return whole * 10_000 + fraction
  }

  /// Whether the allowance is for a counter.
  func names(_ counter: String) -> Bool {
    let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard pieces.count > 1, let first = pieces.first, let last = pieces.last else {
      return counter == pattern
    }
    guard counter.hasPrefix(first) else { return false }
    var rest = counter.dropFirst(first.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let at = rest.firstRange(of: piece) else { return false }
      rest = rest[at.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  /// Whether a counter may move so; nothing stands for a counter that is not there.
  func allows(_ base: Int?, _ new: Int?) -> Bool {
    if bound == .any { return true }
    guard let base, let new else { return false }
    let moved = Int128(new) - Int128(base)
    let most = isShare ? Int128(base.magnitude) * Int128(amount) : Int128(amount)
    let scaled = isShare ? moved * 1_000_000 : moved
    switch bound {
    case .increase: return scaled <= most
    case .decrease: return -scaled <= most
    case .either, .any: return max(scaled, -scaled) <= most
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
