import ArgumentParser
import Machine

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Finds the machine that a command names.
enum MachineInput {
  static let setHelp = ArgumentHelp(
    "Change the machine, as tlbs.L2.ways=16 or virtualization.mode=native; may be repeated.",
    valueName: "path=value")

  /// Reads a preset by its name, or else a description's file.
  static func load(_ name: String, settings: [String]) throws -> ResolvedMachine {
    try load(name, variants: [settings])[0]
  }

  /// Reads it once for several machines, each with its settings.
  static func load(_ name: String, variants: [[String]]) throws -> [ResolvedMachine] {
    if let preset = Preset.named(name) {
      return try MachineDescription.variants(
        of: Array(preset.json.utf8), file: name, settings: variants)
    }
    let looksLikeFile = name.contains("/") || name.contains(".")
    guard looksLikeFile || name == "-" || access(name, F_OK) == 0 else {
      throw Preset.refusal(of: name)
    }
    return try MachineDescription.variants(
      of: try bytes(of: name), file: name, settings: variants)
  }

  private static func bytes(of path: String) throws(FileError) -> [UInt8] {
    let cure = "name a description's file, or a preset of `nestwalk machine list`"
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError(path, "cannot be opened (\(systemReason()))", cure: cure)
    }
    defer { if path != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    // One byte too many is enough for the reader to refuse the size.
    while bytes.count <= MachineDescription.maximumBytes {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw FileError(path, "cannot be read (\(systemReason()))", cure: cure)
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }
}
