extension QEMULogImporter {
  /// virtio-iommu: what is mapped for whom, and every access with its direction.
  ///
  /// Source: Virtual I/O Device specification, version 1.2, "IOMMU device": ranges are given by their
  /// last byte, MAP flags are 1 read and 2 write, fault flags the same. The flag of a translation is
  /// QEMU's `IOMMUAccessFlags`: 1 read, 2 write, 3 both.
  mutating func handleVirtio(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    switch event {
    case .virtioAttach: block.append(.attach, values[1], values[0])
    case .virtioDetach: block.append(.detach, values[1], values[0])
    case .virtioMap:
      guard values[2] >= values[1] else { return false }
      block.append(
        .iommuMap, values[0], values[1], values[3], Self.bytes(values[1], values[2]), values[4] & 3)
    case .virtioUnmap:
      guard values[2] >= values[1] else { return false }
      block.append(.iommuUnmap, values[0], values[1], Self.bytes(values[1], values[2]))
    case .virtioTranslate:
      let kinds: InlineArray<4, UInt64> = [3, 0, 1, 2]
      access(values[0], values[1], kind: kinds[Int(values[2] & 3)], &block)
    case .virtioOutput:
      block.append(
        .recordedTranslation, values[2], values[0], 2, 0, EventTag.unknownDomain,
        values[1] & ~0xfff, 0xfff)
    default:
      block.append(.recordedFault, values[2], values[0], values[3], values[1] >> 1 & 1)
    }
    return true
  }

  /// The whole address space has one byte more than a word can say.
  private static func bytes(_ first: UInt64, _ last: UInt64) -> UInt64 {
    let distance = last - first
    return distance == .max ? distance : distance + 1
  }
}
