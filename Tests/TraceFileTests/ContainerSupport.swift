import Foundation

@testable import TraceFile

/// Records that exercise every field: runs, crossings, wide sizes, threads, the ends of the address
/// space, and more shapes than a byte can number.
func mixedRecords(_ count: Int, seed: UInt64) -> [TraceRecord] {
  var random = SeededGenerator(state: seed)
  var pages: [UInt64] = [0, (1 << 52) - 1, 0x7fff_ffff_f, 1 << 51]
  for _ in 0..<40 { pages.append(random.next() >> 12) }
  return (0..<count).map { _ in
    let page = Bool.random(using: &random) ? pages[0] : pages.randomElement(using: &random) ?? 0
    if Int.random(in: 0..<8, using: &random) == 0 { pages.swapAt(0, pages.count - 1) }
    if Int.random(in: 0..<50, using: &random) == 0 { pages[1] = random.next() >> 12 }
    let isOdd = Int.random(in: 0..<9, using: &random) == 0
    return TraceRecord(
      address: page << 12 | UInt64.random(in: 0..<4096, using: &random),
      kind: AccessKind(rawValue: UInt8.random(in: 0...3, using: &random)) ?? .load,
      size: isOdd ? UInt16.random(in: 0...TraceRecord.maximumSize, using: &random) : 8,
      thread: isOdd ? UInt16.random(in: 0...300, using: &random) : 0,
      instructions: isOdd ? UInt32.random(in: 0...(.max), using: &random) : 1)
  }
}

/// Gives a container of the records to the body.
func withContainer<Result>(
  _ records: [TraceRecord], blockRecords: Int = .max, trailing: Int = 0,
  _ body: (String) throws -> Result
) throws -> Result {
  try withFile([], named: "trace.nwt") { path in
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    defer { try? handle.close() }
    let header = ContainerHeader(producer: "test")
    let writer = try ContainerWriter(
      descriptor: handle.fileDescriptor, file: path, header: header, level: 3)
    var builder = BlockBuilder()
    let block = TraceBlock()
    var inBlock = 0
    for record in records {
      if builder.isFull || inBlock == blockRecords {
        builder.finish(into: block)
        try writer.write(block)
        inBlock = 0
      }
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: record.thread,
        instructions: record.instructions)
      inBlock += 1
    }
    builder.finish(into: block, trailingInstructions: trailing)
    try writer.write(block)
    _ = try writer.finish(header, skipped: 0)
    return try body(path)
  }
}

/// Everything that a reader gives of a container.
func readContainer(
  _ path: String, salvage: Bool = false
) throws(TraceError) -> (records: [TraceRecord], blocks: Int, notes: [String]) {
  let reader = try TraceReader(path: path, salvage: salvage)
  let block = TraceBlock()
  var records: [TraceRecord] = []
  var blocks = 0
  while try reader.next(into: block) {
    try block.forEachRecord { records.append($0) }
    blocks += 1
  }
  return (records, blocks, try reader.finish().notes)
}
