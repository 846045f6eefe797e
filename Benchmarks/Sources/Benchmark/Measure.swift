import Glibc

/// Times things in turn, so that a machine whose speed drifts slows all of them alike.
struct Measure {
  struct Timing {
    var name: String
    var seconds: [Double] = []

    var median: Double { seconds.sorted()[seconds.count / 2] }
  }

  /// Runs each in turn so many times.
  ///
  /// - Returns: one timing for each.
  static func inTurn(_ rounds: Int, _ parts: [(name: String, body: () -> Void)]) -> [Timing] {
    var timings = parts.map { Timing(name: $0.name) }
    for (_, body) in parts { body() }
    for _ in 0..<rounds {
      for (at, part) in parts.enumerated() {
        let start = processorSeconds()
        part.body()
        timings[at].seconds.append(processorSeconds() - start)
      }
    }
    return timings
  }

  /// This thread's processor time.
  static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// A number with two digits after its point.
func hundredths(_ value: Double) -> String {
  let scaled = Int((value * 100).rounded())
  let digits = scaled % 100
  return "\(scaled / 100).\(digits < 10 ? "0" : "")\(digits)"
}

/// Ends the program where two ways do not agree.
func require(_ agree: Bool, _ what: String) {
  guard !agree else { return }
  print("\(what) do not agree: no figure would mean anything")
  exit(1)
}

/// A generator of equal numbers for equal seeds: xorshift64*.
struct Generator: RandomNumberGenerator {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}
