/// Whose a cached mapping is: what a lookup must have in common with it.
///
/// A *linear* mapping has no second stage, so its `root` is 0; a *combined* one knows the second stage
/// that it went through. A guest-physical mapping has a root alone.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "Information That May Be Cached"; AMD64
/// Architecture Programmer's Manual volume 2, 24593, "Address Space Identifier".
struct TranslationTag: Hashable, Sendable {
  /// VPID or ASID; 0 for the host.
  var vpid: UInt16
  /// Nothing for a global translation, which serves every PCID.
  var pcid: UInt16?
  /// Where the second stage's root table stands (EP4TA, nCR3); 0 without a second stage.
  var root: UInt64
}

/// Small numbers for the tags in use, so that a cached mapping's key is one word.
struct TagTable {
  private var numbers: [TranslationTag: UInt16] = [:]
  private var tags: [TranslationTag] = []
  private var free: [UInt16] = []

  /// The number that no tag has: a key of ones is no key.
  static let none = UInt16.max
  static let capacity = Int(none)

  /// The number of a tag; nothing where all numbers are taken.
  mutating func number(of tag: TranslationTag) -> UInt16? {
    if let number = numbers[tag] { return number }
    if let number = free.popLast() {
      tags[Int(number)] = tag
      numbers[tag] = number
      return number
    }
    guard tags.count < Self.capacity else { return nil }
    let number = UInt16(tags.count)
    tags.append(tag)
    numbers[tag] = number
    return number
  }

  /// The tag of a number that was given out.
  subscript(_ number: UInt16) -> TranslationTag { tags[Int(number)] }

  /// Takes back every number that nothing cached has.
  mutating func release(except used: Set<UInt16>) {
    let taken = Set(free)
    for number in tags.indices.map({ UInt16($0) })
    where !used.contains(number) && !taken.contains(number) {
      numbers[tags[Int(number)]] = nil
      free.append(number)
    }
  }
}
