import CZstd

/// Compresses columns, each into one zstd frame with its content's size and checksum.
final class ColumnCompressor {
  private let context: OpaquePointer? = ZSTD_createCCtx()
  private var scratch = ColumnBuffer()

  /// - Parameter level: of zstd, 1 to 19.
  init(level: Int) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Appends the frame of some bytes.
  ///
  /// - Returns: the frame's length.
  func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Int {
    scratch.resize(to: ZSTD_compressBound(bytes.count))
    let size = ZSTD_compress2(
      context, scratch.base, scratch.count, bytes.baseAddress, bytes.count)
    // With room for the bound, zstd fails for want of memory alone.
    precondition(ZSTD_isError(size) == 0, "zstd cannot compress: out of memory")
    scratch.shorten(to: size)
    output.append(contentsOf: scratch.bytes)
    return size
  }
}
