import CCrypto

/// A machine after presets and `--set`, ready to build and to name in a result.
public struct ResolvedMachine: Sendable, Equatable {
  /// Checked and complete.
  public let description: MachineDescription
  /// The description written in the one canonical way: every key, sorted, two spaces for each
  /// level, no newline at the end.
  public let canonicalJSON: String
  /// Of `canonicalJSON`, 64 lower-case hexadecimal digits: equal for every spelling of one machine.
  public let sha256: String
}

extension MachineDescription {
  /// The largest description that is read.
  public static let maximumBytes = 1 << 20

  /// Reads, changes and checks a description.
  ///
  /// - Parameters:
  ///   - json: JSON with comments (JSON5), UTF-8.
  ///   - file: how errors name the description.
  ///   - settings: `path=value` of each `--set`, applied in order before anything is checked; of
  ///     two for one path the last holds.
  /// - Returns: the machine with its canonical form and hash.
  /// - Throws: the first thing that is wrong, with its place and its cure; `--set` is named as the
  ///   file of a value that came from there.
  public static func load(
    json: String, file: String, settings: [String] = []
  ) throws(MachineError) -> ResolvedMachine {
    try load(json: Array(json.utf8), file: file, settings: settings)
  }

  /// Reads, changes and checks a description, as the function for text does.
  public static func load(
    json: [UInt8], file: String, settings: [String] = []
  ) throws(MachineError) -> ResolvedMachine {
    let machines = try variants(of: json, file: file, settings: [settings])
    return machines[0]
  }

  /// Reads a description once, and changes and checks it in several ways.
  ///
  /// - Parameters:
  ///   - json: as for `load`.
  ///   - file: how errors name the description.
  ///   - settings: for each machine its `--set`s.
  /// - Returns: the machines in the order of their settings.
  /// - Throws: the first thing that is wrong with the first machine that has something.
  public static func variants(
    of json: [UInt8], file: String, settings: [[String]]
  ) throws(MachineError) -> [ResolvedMachine] {
    let tree = try tree(of: json, file: file)
    let source = MachineSource(file: file)
    if tree.members == nil {
      throw MachineNode(value: tree, place: "", source: source).refusal(expected: "an object")
    }
    var machines: [ResolvedMachine] = []
    for settings in settings { machines.append(try resolve(tree, source, settings)) }
    return machines
  }

  private static func resolve(
    _ base: JSONValue, _ origin: MachineSource, _ settings: [String]
  ) throws(MachineError) -> ResolvedMachine {
    var (tree, source) = (base, origin)
    for setting in settings {
      source.settings.append(try MachineSetting(setting).apply(to: &tree))
    }
    let node = MachineNode(value: tree, place: "", source: source)
    let description = try MachineDescription(reading: node)
    try description.checkCoverage(source)
    let canonicalJSON = description.json.canonicalText
    guard let sha256 = sha256(of: canonicalJSON) else {
      throw MachineError(
        file: source.file, place: "top level", problem: "the system's libcrypto gave no SHA-256",
        cure: "install a libcrypto that provides it")
    }
    return ResolvedMachine(
      description: description, canonicalJSON: canonicalJSON, sha256: sha256)
  }

  private static func tree(of json: [UInt8], file: String) throws(MachineError) -> JSONValue {
    func refusal(_ place: String, _ problem: String, _ cure: String) -> MachineError {
      MachineError(file: file, place: place, problem: problem, cure: cure)
    }
    guard json.count <= maximumBytes else {
      throw refusal(
        "top level", "the description has \(json.count) bytes", "expected at most \(maximumBytes)")
    }
    let marked = json.starts(with: [0xef, 0xbb, 0xbf])
    let bytes = marked ? Array(json.dropFirst(3)) : json
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw refusal("top level", "the description is not UTF-8 text", "save it as UTF-8")
    }
    do {
      try JSONText.check(bytes)
    } catch {
      throw refusal(JSONText.place(of: error.offset, in: bytes), error.problem, error.cure)
    }
    do {
      return try JSONValue(decoding: bytes)
    } catch {
      throw refusal("top level", "the description is not valid JSON5", "correct its text")
    }
  }

  static func sha256(of text: String) -> String? {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let bytes = Array(text.utf8)
    guard EVP_Digest(bytes, bytes.count, &digest, &length, nestwalk_sha256(), nil) == 1,
      length == 32
    else { return nil }
    return digest.prefix(32).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }
}
