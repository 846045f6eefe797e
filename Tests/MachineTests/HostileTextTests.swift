import Testing

@testable import Machine

@Suite("Damaged descriptions")
struct HostileTextTests {
  /// A fixed sequence, so that a failure can be repeated (SplitMix64).
  struct Sequence: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
      return value ^ (value >> 31)
    }
  }

  private func outcome(_ bytes: [UInt8], settings: [String] = []) -> String {
    do {
      let machine = try MachineDescription.load(json: bytes, file: "m.json", settings: settings)
      return machine.sha256
    } catch {
      return error.description
    }
  }

  @Test("every prefix is a machine or one line that names the file")
  func prefixes() {
    let bytes = Array(ReferenceFile.reference.utf8)
    for length in 0..<bytes.count {
      let message = outcome(Array(bytes[..<length]))
      #expect(message.hasPrefix("m.json: ") && !message.contains("\n"), "\(length) bytes")
    }
  }

  @Test("every flip of a byte is a machine or one line that names the file", arguments: [1, 2])
  func flips(seed: UInt64) {
    var random = Sequence(state: seed)
    let bytes = Array(ReferenceFile.cached.utf8)
    for round in 0..<1000 {
      var flipped = bytes
      let place = Int.random(in: 0..<bytes.count, using: &random)
      flipped[place] ^= UInt8.random(in: 1...255, using: &random)
      let message = outcome(flipped)
      let isLine = message.hasPrefix("m.json: ") && !message.contains("\n")
      #expect(isLine || message.utf8.count == 64, "seed \(seed), round \(round): \(message)")
    }
  }

  /// Foundation's decoder looks at what stands in memory after a number that ends the text, and
  /// traps where those are digits.
  @Test("a large number alone is read to its end and no further")
  func numberAtTheEnd() throws {
    let digits = Array("9223372036854775808".utf8)
    for _ in 0..<1000 {
      // Leaves digits where the decoder's copy of the number is going to be.
      let garbage = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
      garbage.initialize(repeating: UInt8(ascii: "8"), count: 64)
      let more = UnsafeMutablePointer<UInt8>.allocate(capacity: 24)
      more.initialize(repeating: UInt8(ascii: "8"), count: 24)
      garbage.deallocate()
      more.deallocate()
      #expect(try JSONValue(decoding: digits) == .double(9_223_372_036_854_775_808))
    }
  }

  @Test("every flip in a setting is a machine or one line")
  func settings() {
    var random = Sequence(state: 3)
    let machine = Array(ReferenceFile.cached.utf8)
    for round in 0..<500 {
      var bytes = Array("walkCaches[0]={stage:'first',level:1,sets:1,ways:8}".utf8)
      let place = Int.random(in: 0..<bytes.count, using: &random)
      bytes[place] = UInt8.random(in: 1...126, using: &random)
      let message = outcome(machine, settings: [String(decoding: bytes, as: UTF8.self)])
      let isLine = message.contains(": ") && !message.contains("\n")
      #expect(isLine || message.utf8.count == 64, "round \(round): \(message)")
    }
  }

  @Test(
    "one text repeated to the limit of bytes ends in a refusal",
    arguments: ["[", "{", "1,", "{a:", "0.1,", "\"a\",", "/**/", "\\", "'", "é"])
  func repetition(_ text: String) {
    let count = (1 << 20) / text.utf8.count
    #expect(outcome(Array(String(repeating: text, count: count).utf8)).hasPrefix("m.json: "))
    // Only a list gets past its first element; a shorter one keeps the test quick.
    let list = "[" + String(repeating: text, count: count / 8)
    #expect(outcome(Array(list.utf8)).hasPrefix("m.json: "))
  }
}
