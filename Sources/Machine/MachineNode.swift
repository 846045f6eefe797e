/// Where the values of a description came from.
struct MachineSource {
  /// The file or preset.
  var file: String
  /// Places that `--set` wrote.
  var settings: [String] = []

  /// What an error names as the file of a place.
  func file(of place: String) -> String { isSet(place) ? "--set" : file }

  /// Whether the place, or what it stands in, was written by `--set`.
  func isSet(_ place: String) -> Bool {
    settings.contains { setting in
      place == setting || place.hasPrefix(setting + ".") || place.hasPrefix(setting + "[")
    }
  }
}

/// A value of a description, or the lack of one, at its place.
///
/// Every way to read it throws an error that names the file, the place, what stands there and what
/// is allowed.
struct MachineNode {
  /// Nothing where the key is missing.
  let value: JSONValue?
  /// The JSON path; empty at the top.
  let place: String
  /// For the file in errors.
  let source: MachineSource

  /// The key is missing, or has no value.
  var isAbsent: Bool { value == nil || value == .null }

  /// `true` or `false`.
  ///
  /// - Parameter usual: what a missing key means.
  /// - Returns: the flag.
  /// - Throws: what stands there instead.
  func flag(default usual: Bool) throws(MachineError) -> Bool {
    if isAbsent { return usual }
    guard case .bool(let flag)? = value else { throw refusal(expected: "true or false") }
    return flag
  }

  /// The error of this place.
  func refusal(_ problem: String, _ cure: String) -> MachineError {
    MachineError(
      file: source.file(of: place), place: place.isEmpty ? "top level" : place, problem: problem,
      cure: cure)
  }

  /// The error of a value that is missing or not what is expected.
  func refusal(expected: String) -> MachineError {
    refusal(value.map { "is " + $0.inWords } ?? "missing key", "expected " + expected)
  }

  /// The members of an object that has no other keys than these.
  ///
  /// - Parameter keys: those that are allowed here; reading decides whether each is needed.
  /// - Returns: the members, by key.
  /// - Throws: the first unknown key in alphabetical order, with the key that was probably meant.
  func members(_ keys: [String]) throws(MachineError) -> MachineMembers {
    guard let members = value?.members else { throw refusal(expected: "an object") }
    let unknown = members.keys.filter { !keys.contains($0) }.sorted()
    if let key = unknown.first {
      // A key that is missing was more likely meant than one that is there.
      let missing = keys.filter { members[$0] == nil }
      let near = nearestName(to: key, among: missing) ?? nearestName(to: key, among: keys)
      throw MachineNode(value: members[key], place: place(of: key), source: source).refusal(
        "unknown key",
        near.map { "did you mean \(quoted($0))?" } ?? "keys here: " + keys.joined(separator: ", "))
    }
    return MachineMembers(members: members, parent: self)
  }

  /// The place of a member.
  func place(of key: String) -> String { memberPlace(key, in: place) }

  /// The elements of a list.
  func elements(expected: String) throws(MachineError) -> [MachineNode] {
    guard case .array(let values)? = value else { throw refusal(expected: expected) }
    return values.enumerated().map { index, value in
      MachineNode(value: value, place: place + "[\(index)]", source: source)
    }
  }

  /// A whole number in a range.
  func whole(_ range: ClosedRange<Int>) throws(MachineError) -> Int {
    let expected =
      range.count == 1
      ? "\(range.lowerBound)" : "a whole number, \(range.lowerBound) to \(range.upperBound)"
    guard case .int(let number)? = value, range.contains(number) else {
      throw refusal(expected: expected)
    }
    return number
  }

  /// A text.
  func text(expected: String) throws(MachineError) -> String {
    guard case .string(let text)? = value else { throw refusal(expected: expected) }
    return text
  }

  /// A truth value.
  func flag() throws(MachineError) -> Bool {
    guard case .bool(let flag)? = value else { throw refusal(expected: "true or false") }
    return flag
  }

  /// One of the names of an enumeration.
  ///
  /// - Parameters:
  ///   - type: whose raw values are the names.
  ///   - known: further names that exist but are not modelled, to be refused as such.
  /// - Returns: the case of that name.
  /// - Throws: what stands there, and the name that was probably meant.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ type: Choice.Type, notModelled known: [String] = []
  ) throws(MachineError) -> Choice {
    let names = Choice.allCases.map(\.rawValue)
    let expected = listing(names.map(quoted))
    let text = try text(expected: expected)
    if let choice = Choice(rawValue: text) { return choice }
    try refuseUnmodelled(text, known: known, expected: expected)
    throw refusal(text, near: names, expected: expected)
  }

  /// Refuses a name that exists but that this version does not model.
  func refuseUnmodelled(_ text: String, known: [String], expected: String) throws(MachineError) {
    if known.contains(text) {
      throw refusal("is \(quoted(text)), not modelled yet in this version", "expected " + expected)
    }
  }

  /// The error of a name that is none of those allowed.
  func refusal(_ text: String, near names: [String], expected: String) -> MachineError {
    let near = nearestName(to: text, among: names).map { "did you mean \(quoted($0))? " } ?? ""
    return refusal("is " + quoted(text), near + "expected " + expected)
  }
}

/// The members of an object whose keys were checked.
struct MachineMembers {
  fileprivate let members: [String: JSONValue]
  fileprivate let parent: MachineNode

  /// The value of a key, or its lack.
  subscript(key: String) -> MachineNode {
    MachineNode(value: members[key], place: parent.place(of: key), source: parent.source)
  }
}

/// The place of an object's member.
func memberPlace(_ key: String, in place: String) -> String {
  let isPlain = 1...40 ~= key.utf8.count && key.utf8.allSatisfy { isNameByte($0) }
  if !isPlain { return place + "[" + quoted(key) + "]" }
  return place.isEmpty ? key : place + "." + key
}

/// Names in words: `a`, `a or b`, `a, b or c`.
func listing(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " or " + last
}

/// Whether a byte may stand in the name of a TLB: a letter, a digit, `_` or `-`.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
    true
  default: false
  }
}
