/// Numbers for devices that text names.
struct DeviceNumbers {
  /// Names that are kept; a device beyond them is `EventTag.unknownDevice`.
  private static let maximum = 1024
  /// Devices that are no PCI functions are numbered from here.
  private static let firstOther: UInt64 = 0x8000_0000

  private var numbers: [UInt64: UInt64] = [:]
  private var others: UInt64 = 0

  /// The number of a device's name (up to a blank, a comma or a bracket), which is appended as an
  /// event the first time.
  ///
  /// `0000:00:07.0` is the requester id, with the segment above bit 16.
  mutating func number(at start: TextCursor, to block: inout BlockBuilder) -> UInt64 {
    var cursor = start
    var hash = TextHash.start
    while !cursor.isAtLineEnd, cursor.next != 0x20, cursor.next != UInt8(ascii: ","),
      cursor.next != UInt8(ascii: "]")
    {
      hash = TextHash.adding(cursor.next, to: hash)
      cursor.step()
    }
    if let known = numbers[hash] { return known }
    guard numbers.count < Self.maximum, cursor.place > start.place else {
      return EventTag.unknownDevice
    }
    var attempt = start
    let number: UInt64
    if let requester = Self.requester(&attempt), attempt.place == cursor.place {
      number = requester
    } else {
      number = Self.firstOther + others
      others += 1
    }
    numbers[hash] = number
    let bytes = UnsafeBufferPointer(start: start.place, count: cursor.place - start.place)
    block.name(.device, number, String(decoding: bytes, as: UTF8.self))
    return number
  }

  /// Reads `[SEGMENT:]BUS:DEVICE.FUNCTION`.
  static func requester(_ cursor: inout TextCursor) -> UInt64? {
    guard var bus = cursor.takeHexadecimal(), cursor.take(UInt8(ascii: ":")),
      var slot = cursor.takeHexadecimal()
    else { return nil }
    var segment: UInt64 = 0
    if cursor.take(UInt8(ascii: ":")) {
      guard let third = cursor.takeHexadecimal() else { return nil }
      (segment, bus, slot) = (bus, slot, third)
    }
    guard cursor.take(UInt8(ascii: ".")), let function = cursor.takeHexadecimal(),
      segment < 1 << 16, bus < 256, slot < 32, function < 8
    else { return nil }
    return segment << 16 | bus << 8 | slot << 3 | function
  }
}

/// The virtual processors that threads run, and the cores that they run on.
///
/// Model: a line names the virtual processor by its number in its machine and not the machine. A
/// thread that enters a number which another thread has already entered belongs to a further
/// machine, whose number stands above bit 16.
struct VCPUThreads {
  private struct Thread {
    var vcpu: UInt64
    var core: UInt64?
  }

  /// Threads that are kept.
  private static let maximum = 4096
  private var threads: [UInt64: Thread] = [:]
  private var machines: [UInt64: UInt64] = [:]

  /// The virtual processor that a thread runs; nothing for a thread that never entered one.
  func vcpu(of thread: UInt64) -> UInt64? { threads[thread]?.vcpu }

  /// A thread is seen at work for a virtual processor on a core.
  ///
  /// - Returns: the virtual processor's number, the core that it left, and whether it came to this
  ///   one just now.
  mutating func run(
    _ thread: UInt64, _ number: UInt64, on core: UInt64
  ) -> (vcpu: UInt64, left: UInt64?, isNew: Bool) {
    if let known = threads[thread], known.vcpu & 0xffff == number & 0xffff {
      if known.core == core { return (known.vcpu, nil, false) }
      threads[thread]?.core = core
      return (known.vcpu, known.core, true)
    }
    let machine = machines[number & 0xffff, default: 0]
    let vcpu = machine << 16 | number & 0xffff
    guard threads.count < Self.maximum else { return (vcpu, nil, true) }
    machines[number & 0xffff] = machine + 1
    threads[thread] = Thread(vcpu: vcpu, core: core)
    return (vcpu, nil, true)
  }

  /// A thread leaves its core.
  ///
  /// - Returns: its virtual processor, where it runs one.
  mutating func stop(_ thread: UInt64) -> UInt64? {
    guard let known = threads[thread], known.core != nil else { return nil }
    threads[thread]?.core = nil
    return known.vcpu
  }

  /// A thread comes to a core.
  ///
  /// - Returns: its virtual processor, where it runs one and did not run there already.
  mutating func start(_ thread: UInt64, on core: UInt64) -> UInt64? {
    guard let known = threads[thread], known.core != core else { return nil }
    threads[thread]?.core = core
    return known.vcpu
  }
}
