import Results

/// Recorded faults that are one transfer's, tried again piece by piece.
///
/// QEMU splits a transfer that finds no memory into accesses of up to 8 bytes and asks the IOMMU for
/// each, so that one DMA leaves many lines.
struct FaultRetries {
  private struct Transfer {
    var event: UInt64
    var device: UInt32
    var address: UInt64
    var next: UInt64
    var code: UInt16
    var isWrite: Bool
    var lines: Int
  }

  private var lines = 0
  private var count = 0
  private var current: Transfer?
  private var listed: [Transfer] = []

  mutating func note(_ fault: RecordedOutcome.Fault, _ request: DMARequest) {
    lines += 1
    if var transfer = current, transfer.device == request.device, transfer.code == fault.code,
      transfer.isWrite == fault.isWrite, fault.address > transfer.next,
      fault.address - transfer.next <= 8
    {
      transfer.next = fault.address
      transfer.lines += 1
      current = transfer
      if !listed.isEmpty, listed[listed.count - 1].event == transfer.event {
        listed[listed.count - 1] = transfer
      }
      return
    }
    count += 1
    let transfer = Transfer(
      event: request.place.event, device: request.device, address: fault.address,
      next: fault.address, code: fault.code, isWrite: fault.isWrite, lines: 1)
    current = transfer
    if listed.count < 100 { listed.append(transfer) }
  }

  func add(to result: inout RunResult) {
    result.counters["check.faults"] = lines
    result.counters["check.faultedTransfers"] = count
    guard lines > 0 else { return }
    var table = ResultTable(
      name: "faultedTransfers", title: "Recorded faults by the transfer that they are of",
      explanation: "\(lines) recorded faults are of \(count) transfers, each tried again piece by "
        + "piece.",
      columns: [
        .init("event", "Event"), .init("device", "Device"), .init("address", "Address"),
        .init("direction", "Direction"), .init("code", "Code"), .init("faults", "Faults"),
      ])
    table.rows = listed.map {
      [
        .number(Int(truncatingIfNeeded: $0.event)), .text(deviceName($0.device)),
        .text(hexadecimal($0.address)), .text($0.isWrite ? "write" : "read"),
        .text(hexadecimal(UInt64($0.code))), .number($0.lines),
      ]
    }
    result.tables.append(table)
  }
}
