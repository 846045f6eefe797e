/// Equal numbers for equal seeds, on every machine.
///
/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014:
/// SplitMix64.
struct RandomSequence: BitwiseCopyable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// A number below a bound; one is more likely than another by the bound in 2^64 at most.
  @inline(__always)
  mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

  /// True in so many of 65,536 cases.
  @inline(__always)
  mutating func isOne(of65536 share: UInt64) -> Bool { next() >> 48 < share }
}

/// Powers made of additions, multiplications and divisions alone, whose results IEEE 754 fixes, so that
/// no system's mathematics library can make two traces of one seed differ.
enum ExactPower {
  private static let ln2 = 0.693_147_180_559_945_3

  /// `base` to the power of `exponent`, for a base of at least 1, to about 15 digits.
  static func power(_ base: Double, _ exponent: Double) -> Double {
    exponential(exponent * logarithm(base))
  }

  /// By the series of the inverse hyperbolic tangent, after the power of two is taken out.
  static func logarithm(_ value: Double) -> Double {
    let fraction = value.significand
    let ratio = (fraction - 1) / (fraction + 1)
    let square = ratio * ratio
    var sum = 0.0
    // The ratio is below 1/3: 9^-20 is below the last digit.
    for term in stride(from: 39, through: 1, by: -2) { sum = sum * square + 1 / Double(term) }
    return 2 * ratio * sum + Double(value.exponent) * ln2
  }

  static func exponential(_ value: Double) -> Double {
    let whole = (value / ln2).rounded()
    let rest = value - whole * ln2
    var sum = 1.0
    for term in stride(from: 20, through: 1, by: -1) { sum = 1 + rest * sum / Double(term) }
    return Double(sign: .plus, exponent: Int(whole), significand: sum)
  }
}

/// Draws ranks by Zipf's law in constant time: rank i, from 0, has a weight of (i + 1)^-theta.
///
/// Source: M. Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE
/// TSE 17(9), 1991: each slot holds a rank, and one that takes the rest of its share.
struct ZipfDistribution {
  static let maximumRanks = 1 << 22
  /// The share of a slot's own rank, in 2^32nds, above, and the other rank below.
  private let slots: [UInt64]

  init(ranks: Int, theta: Double) {
    var weights = [Double](repeating: 0, count: ranks)
    var sum = 0.0
    for rank in 0..<ranks {
      weights[rank] = ExactPower.power(Double(rank + 1), -theta)
      sum += weights[rank]
    }
    for rank in 0..<ranks { weights[rank] *= Double(ranks) / sum }
    var small: [Int] = []
    var large: [Int] = []
    for rank in 0..<ranks {
      if weights[rank] < 1 { small.append(rank) } else { large.append(rank) }
    }
    var slots = [UInt64](repeating: 0xffff_ffff << 32, count: ranks)
    while let less = small.popLast(), let more = large.popLast() {
      slots[less] = UInt64(weights[less] * 4_294_967_295) << 32 | UInt64(more)
      weights[more] -= 1 - weights[less]
      if weights[more] < 1 { small.append(more) } else { large.append(more) }
    }
    // What is left over has a share of 1 but for rounding.
    self.slots = slots
  }

  @inline(__always)
  func draw(_ random: inout RandomSequence) -> UInt64 {
    let rank = random.below(UInt64(slots.count))
    let slot = slots[Int(rank)]
    return random.next() >> 32 <= slot >> 32 ? rank : slot & 0xffff_ffff
  }
}
