/// A count with a comma between thousands.
func grouped(_ value: Int) -> String {
  (value < 0 ? "-" : "") + grouped(digits: String(value.magnitude))
}

/// A count and its noun, in the plural unless it is one.
func counted(_ value: Int, _ noun: String) -> String {
  let plural = noun.hasSuffix("s") || noun.hasSuffix("h") ? "es" : "s"
  return grouped(value) + " " + noun + (value == 1 ? "" : plural)
}

private func grouped(digits: String) -> String {
  var text = ""
  for (place, digit) in digits.enumerated() {
    if place > 0 && (digits.count - place) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}

/// A count in at most six characters: exact below 10,000, else three digits with k, M, G, ....
func compact(_ value: Int) -> String {
  guard value.magnitude >= 10_000 else { return grouped(value) }
  var scaled = value.magnitude
  var removed = 0
  // One digit is cut at a time, so only the last one cut decides the rounding.
  var last: UInt = 0
  while scaled >= 1_000 {
    (scaled, last) = scaled.quotientAndRemainder(dividingBy: 10)
    removed += 1
  }
  if last >= 5 { scaled += 1 }
  if scaled == 1_000 {
    scaled = 100
    removed += 1
  }
  // Three digits and a power of ten are left: 328 and 10^3 is 328 k, 787 and 10^4 is 7.87 M.
  let prefix = ["", "k", "M", "G", "T", "P", "E"][(removed + 2) / 3]
  var digits = String(scaled)
  let whole = removed % 3 == 0 ? 3 : removed % 3
  if whole < 3 {
    digits.insert(".", at: digits.index(digits.startIndex, offsetBy: whole))
    while digits.last == "0" { digits.removeLast() }
    if digits.last == "." { digits.removeLast() }
  }
  return (value < 0 ? "-" : "") + digits + " " + prefix
}

/// One count over another, printed by integer arithmetic alone.
struct Ratio: Equatable {
  var part: Int
  var whole: Int

  /// Nothing where either count is missing.
  init?(_ part: Int?, over whole: Int?) {
    guard let part, let whole else { return nil }
    self.part = part
    self.whole = whole
  }

  /// Rounded half up to two places, or to two significant digits where that is finer.
  var decimal: String { digits(shift: 0) }

  /// As `decimal`, of a hundred; what is rounded up to the whole says that it is not.
  var percent: String {
    guard whole != 0 else { return "-" }
    let text = digits(shift: 2)
    return (text == "100.00" && part < whole ? ">99.99" : text) + " %"
  }

  /// As `percent`, but never longer: for parts of a sum beside each other.
  var share: String {
    // One in ten thousand, by division so that no product can overflow.
    let isTiny = part > 0 && whole > 0 && part < whole / 10_000
    return isTiny ? "<0.01 %" : percent
  }

  /// As `decimal`, of a thousand.
  var perThousand: String { digits(shift: 3) }

  /// Long division, so that no product can overflow; the point moves `shift` places to the right.
  private func digits(shift: Int) -> String {
    guard whole != 0 else { return "-" }
    let divisor = whole.magnitude
    var (quotient, rest) = part.magnitude.quotientAndRemainder(dividingBy: divisor)
    var digits = String(quotient).utf8.map { $0 - UInt8(ascii: "0") }
    var point = digits.count + shift
    while digits.count < point + 2
      || (rest != 0 && digits.drop { $0 == 0 }.count < 2)
    {
      (quotient, rest) = divisor.dividingFullWidth(rest.multipliedFullWidth(by: 10))
      digits.append(UInt8(quotient))
    }
    if rest >= divisor - rest {
      var place = digits.count - 1
      while place >= 0 && digits[place] == 9 {
        digits[place] = 0
        place -= 1
      }
      if place >= 0 {
        digits[place] += 1
      } else {
        digits.insert(1, at: 0)
        point += 1
      }
    }
    let text = digits.map(String.init).joined()
    let before = text.prefix(point).drop { $0 == "0" }
    let sign = (part < 0) != (whole < 0) && part != 0 ? "-" : ""
    return sign + grouped(digits: before.isEmpty ? "0" : String(before)) + "."
      + text.dropFirst(point)
  }
}

/// The sum, or the largest number where it is larger.
func total(_ counts: some Sequence<Int>) -> Int {
  counts.reduce(0) {
    let (sum, overflow) = $0.addingReportingOverflow($1)
    return overflow ? ($0 < 0 ? .min : .max) : sum
  }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `value`.
func niceStep(atLeast value: Int) -> Int {
  var power = 1
  while power < .max / 10 {
    for factor in [1, 2, 5] where factor * power >= value { return factor * power }
    power *= 10
  }
  return power
}

/// The logarithm of `value` to base ten, to twelve binary places; 0 below 1.
///
/// The standard library has none; squaring gives one binary place of the logarithm at a time, by
/// multiplication alone, so that every machine draws the same picture.
func decimalLogarithm(_ value: Int) -> Double {
  var rest = Double(max(value, 1))
  var result = 0.0
  while rest >= 10 {
    rest /= 10
    result += 1
  }
  var bit = 0.5
  for _ in 0..<12 {
    rest *= rest
    if rest >= 10 {
      rest /= 10
      result += bit
    }
    bit /= 2
  }
  return result
}
