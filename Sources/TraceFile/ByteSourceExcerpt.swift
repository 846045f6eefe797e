/// Bytes as an error shows them, such as `70 ab 01`.
func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
  bytes.map { byte in
    let digits = String(byte, radix: 16)
    return byte < 16 ? "0" + digits : digits
  }.joined(separator: " ")
}

/// The line that begins here as an error shows it: in quotes, at most 40 printable characters.
func quotedLine(_ bytes: UnsafeRawBufferPointer) -> String {
  let line = bytes.prefix { $0 != newline && $0 != 0x0d }
  let shown = line.prefix(40).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
  return "\"" + String(decoding: shown, as: UTF8.self) + (line.count > 40 ? "...\"" : "\"")
}
