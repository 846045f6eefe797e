import CCrypto

/// A SHA-256 that takes its bytes in parts.
struct SHA256: ~Copyable {
  private let context: OpaquePointer

  init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, nestwalk_sha256(), nil) == 1
    else {
      fatalError("libcrypto offers no SHA-256 here")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Takes the next bytes.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let done = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(done == 1, "libcrypto refused bytes for SHA-256")
  }

  /// The hash of everything taken, as 64 lower-case hexadecimal digits.
  consuming func finish() -> String {
    let digits = Array("0123456789abcdef".utf8)
    var hash = [UInt8](repeating: 0, count: 32)
    let done = EVP_DigestFinal_ex(context, &hash, nil)
    precondition(done == 1, "libcrypto did not finish SHA-256")
    return String(
      decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
