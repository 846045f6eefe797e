/// A machine that comes with the tool.
public struct Preset: Sendable {
  /// What `-m` and `machine show` take.
  public let name: String
  /// One line: what it describes.
  public let summary: String
  /// One line: where its numbers come from; its text says so for each.
  public let source: String
  /// The description, JSON with comments; what `machine show` prints.
  public let json: String

  /// Every preset, in the order of `machine list`.
  public static let all: [Preset] = [
    reference, referenceCached, referenceInterrupts, referenceAMDInterrupts, zen5, zen4, skylakeSP,
    skylakeInterrupts, goldenCove, qemuVTd, qemu72VTd, qemuAMDVi, pcieBenchHaswell,
    pcieBenchBroadwell, fastAndSafe,
    hyperSIO,
  ]

  /// The preset of a name.
  ///
  /// - Parameter name: such as `reference`.
  /// - Returns: nothing where there is none; `refusal(of:)` then says what there is.
  public static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

  /// Why a name is no preset, with the preset that was probably meant.
  ///
  /// - Parameter name: what was written.
  /// - Returns: an error that names every preset.
  public static func refusal(of name: String) -> MachineError {
    let names = all.map(\.name)
    let near = nearestName(to: name, among: names).map { "did you mean \(quoted($0))? " } ?? ""
    return MachineError(
      file: printable(name, atMost: 80), place: "preset", problem: "no such preset",
      cure: near + "presets are " + names.joined(separator: ", "))
  }
}
