/// One `--set path=value`: a place in the tree and what to put there.
///
/// A path is keys with dots between them; an element of a list is reached by its number in
/// brackets, a TLB also by its name, a walk cache also as `first1`, `second2` or `nested`.
struct MachineSetting {
  private enum Step {
    case key(String)
    case index(Int)
  }

  private let path: String
  private let steps: [Step]
  private let value: JSONValue

  /// Reads a setting.
  ///
  /// - Parameter text: `path=value`; the value is JSON5, or else text without quotes.
  /// - Throws: an error of the file `--set`, where the text has no `=` or its path no sense.
  init(_ text: String) throws(MachineError) {
    guard let sign = text.firstIndex(of: "=") else {
      throw Self.refusal(
        at: text, "has no =", "write path=value, such as tlbs.L2.ways=16")
    }
    path = String(text[..<sign])
    steps = try Self.steps(of: path)
    let written = String(text[text.index(after: sign)...])
    let bytes = Array(written.utf8)
    value =
      if (try? JSONText.check(bytes)) != nil, let parsed = try? JSONValue(decoding: bytes) {
        parsed
      } else {
        .string(written)
      }
  }

  private static func steps(of path: String) throws(MachineError) -> [Step] {
    var steps: [Step] = []
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
      guard let key = pieces.first, !key.isEmpty else { throw malformed(path) }
      steps.append(.key(String(key)))
      for piece in pieces.dropFirst() {
        let digits = piece.dropLast()
        guard piece.last == "]", !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
          let index = Int(digits)
        else { throw malformed(path) }
        steps.append(.index(index))
      }
    }
    return steps
  }

  private static func malformed(_ path: String) -> MachineError {
    refusal(
      at: path, "is not a path", "write keys with dots between them, such as tlbs[1].ways")
  }

  private static func refusal(at place: String, _ problem: String, _ cure: String) -> MachineError {
    let place = place.isEmpty ? "path" : printable(place, atMost: 80)
    return MachineError(file: "--set", place: place, problem: problem, cure: cure)
  }

  /// Puts the value into a tree.
  ///
  /// - Parameter root: the tree of the description.
  /// - Returns: the place that was written, with every element by its number.
  /// - Throws: the part of the path that leads nowhere, with what exists there.
  func apply(to root: inout JSONValue) throws(MachineError) -> String {
    var trail = Trail()
    try Self.put(value, at: steps[...], in: &root, trail: &trail)
    return trail.place
  }

  /// A section of which every key has a usual value, so that one may be set where there is none.
  private static let usualSection = "isolation"

  /// How far a path was followed.
  private struct Trail {
    /// With every element by its number.
    var place = ""
    /// As the user wrote it.
    var written = ""

    mutating func follow(key: String) {
      place = memberPlace(key, in: place)
      written += written.isEmpty ? key : "." + key
    }

    mutating func follow(index: Int, written step: String) {
      place += "[\(index)]"
      written += step
    }
  }

  private static func put(
    _ value: JSONValue, at steps: ArraySlice<Step>, in node: inout JSONValue, trail: inout Trail
  ) throws(MachineError) {
    guard let step = steps.first else {
      node = value
      return
    }
    switch (step, node) {
    case (.key(let key), .object(var members)):
      let known = members.keys.sorted()
      let parent = trail.written.isEmpty ? "the machine" : trail.written
      trail.follow(key: key)
      var member = JSONValue.null
      if let present = members[key] {
        member = present
      } else if trail.place == usualSection {
        member = .object([:])
      } else if steps.count > 1 {
        let near = nearestName(to: key, among: known).map { "did you mean \(quoted($0))? " } ?? ""
        throw refusal(
          at: trail.written, "no such key", near + "\(parent) has " + known.joined(separator: ", "))
      }
      try put(value, at: steps.dropFirst(), in: &member, trail: &trail)
      members[key] = member
      node = .object(members)
    case (.key(let key), .array(var elements)):
      let labels = elements.map(label)
      let noun = noun(of: trail.place)
      guard let index = labels.firstIndex(of: key) else {
        throw refusal(
          at: trail.written + "." + key, "no such \(noun)",
          elements.isEmpty
            ? "this machine has none" : "this machine has " + labels.joined(separator: ", "))
      }
      trail.follow(index: index, written: "." + key)
      try put(value, at: steps.dropFirst(), in: &elements[index], trail: &trail)
      node = .array(elements)
    case (.index(let index), .array(var elements)):
      guard elements.indices.contains(index) else {
        throw refusal(
          at: trail.written + "[\(index)]", "no such \(noun(of: trail.place))",
          elements.isEmpty ? "this machine has none" : "the last is [\(elements.count - 1)]")
      }
      trail.follow(index: index, written: "[\(index)]")
      try put(value, at: steps.dropFirst(), in: &elements[index], trail: &trail)
      node = .array(elements)
    case (.index(let index), _):
      throw refusal(
        at: trail.written + "[\(index)]", "\(trail.written) is \(node.inWords), not a list",
        "name a key or stop at \(trail.written)")
    case (.key(let key), _):
      throw refusal(
        at: trail.written + "." + key, "\(trail.written) is \(node.inWords), not an object",
        "stop at \(trail.written)")
    }
  }

  private static func noun(of place: String) -> String {
    switch place {
    case "tlbs": "TLB"
    case "walkCaches": "walk cache"
    default: "element"
    }
  }

  /// How a path names an element of a list.
  private static func label(of element: JSONValue) -> String {
    guard let members = element.members else { return element.inWords }
    switch (members["name"], members["stage"], members["level"]) {
    case (.string(let name)?, _, _): return name
    case (_, .string(let stage)?, .int(let level)?): return stage + String(level)
    case (_, .string(let stage)?, _): return stage
    default: return element.inWords
    }
  }
}
