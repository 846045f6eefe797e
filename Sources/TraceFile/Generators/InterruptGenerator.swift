/// What the generator of interrupts takes.
public struct InterruptOptions: Sendable, Equatable {
  /// Messages of all devices.
  public var messages = 1_000_000
  /// Of the random numbers.
  public var seed: UInt64 = 1
  /// Guests, whose virtual processors each have a device of their own.
  public var guests = 4
  /// Virtual processors of each guest.
  public var processors = 2
  /// Cores that they take turns on.
  public var cores = 4
  /// Vectors of each device.
  public var vectors = 4
  /// Messages from one change of the schedule to the next; 0 for none.
  public var slice = 1000
  /// How many in a hundred entries post; the others remap to a core of the host's choice.
  public var postedPercent = 100
  /// How many in a thousand messages a guest's device forges.
  public var forgedPermille = 0
  /// Nanoseconds from message to message.
  public var interval: UInt64 = 1000

  /// The options' defaults.
  public init() {}

  func check() throws(GeneratorError) {
    func within(_ value: Int, _ range: ClosedRange<Int>, _ option: String) throws(GeneratorError) {
      guard range.contains(value) else {
        throw GeneratorError(
          option: option, problem: "is \(value)",
          expected: "\(range.lowerBound) to \(range.upperBound)")
      }
    }
    try within(messages, 1...1_000_000_000_000, "--messages")
    try within(guests, 1...1024, "--guests")
    try within(processors, 1...1024, "--processors")
    guard guests * processors <= 1024 else {
      throw GeneratorError(
        option: "--processors", problem: "make \(guests * processors) of all guests",
        expected: "1024 at most")
    }
    try within(cores, 1...1024, "--cores")
    try within(vectors, 1...64, "--vectors")
    try within(slice, 0...1_000_000_000, "--slice")
    try within(postedPercent, 0...100, "--posted")
    try within(forgedPermille, 0...1000, "--forged")
    guard interval <= 1_000_000_000 else {
      throw GeneratorError(
        option: "--interval", problem: "is \(interval)", expected: "0 to 1000000000")
    }
  }

  var text: String {
    "messages \(messages), seed \(seed), guests \(guests) of \(processors) virtual processors on "
      + "\(cores) cores, \(vectors) vectors a device, a turn every \(slice) messages, "
      + "\(postedPercent) % of entries posted, \(forgedPermille) in 1000 messages forged, "
      + "\(interval) ns apart"
  }
}

/// Guests' devices that interrupt virtual processors which take turns on a machine's cores.
///
/// Device n, from 01:00.0 upwards, works for virtual processor n, whose descriptor stands at 1 MiB and
/// 64 n; its vectors from 32 on have entries of their own, which check all of its requester id.
struct InterruptGenerator: RecordGenerator {
  private let options: InterruptOptions
  private var random: RandomSequence
  private var device = 0
  private var made = 0
  private var time: UInt64 = 0
  /// Who runs on each core, and who waits, in order.
  private var running: [Int] = []
  private var waiting: [Int] = []
  private var turn = 0

  init(_ options: InterruptOptions) throws(GeneratorError) {
    try options.check()
    self.options = options
    random = RandomSequence(seed: options.seed)
  }

  private var devices: Int { options.guests * options.processors }

  private static func requester(_ device: Int) -> UInt64 { 0x100 + UInt64(device) }

  private func guest(of device: Int) -> UInt64 { 1 + UInt64(device / options.processors) }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    while device < devices, !block.isFull { begin(&block) }
    while made < options.messages, !block.isFull {
      if options.slice > 0, made > 0, made % options.slice == 0 { takeTurn(&block) }
      time += options.interval
      block.append(.time, time)
      let device = Int(random.below(UInt64(devices)))
      let vector = random.below(UInt64(options.vectors))
      if options.forgedPermille > 0, random.below(1000) < UInt64(options.forgedPermille) {
        forge(device, &block)
      } else {
        send(from: device, entry: UInt64(device * options.vectors) + vector, &block)
      }
      made += 1
    }
    return made < options.messages
  }

  private mutating func begin(_ block: inout BlockBuilder) {
    let (number, guest) = (UInt64(device), guest(of: device))
    let descriptor = 0x10_0000 + 64 * number
    block.append(.deviceOwner, Self.requester(device), guest)
    block.append(.vcpuDefine, number, guest)
    block.append(.postedDefine, descriptor, number, guest)
    for vector in 0..<UInt64(options.vectors) {
      let index = number * UInt64(options.vectors) + vector
      let source = 1 << 18 | Self.requester(device)
      var low = 1 | (32 + vector) << 16
      if random.below(100) < UInt64(options.postedPercent) {
        low |= 1 << 15 | (descriptor >> 6) << 38
      } else {
        low |= random.below(UInt64(options.cores)) << 32
      }
      block.append(.interruptEntry, 0, index, low, source)
      block.append(.entryOwner, 0, index, guest)
    }
    if device < options.cores {
      running.append(device)
      block.append(.vcpuIn, number, number)
    } else {
      waiting.append(device)
    }
    device += 1
  }

  /// The next core gives up its virtual processor for the one that has waited longest.
  private mutating func takeTurn(_ block: inout BlockBuilder) {
    guard let next = waiting.first else { return }
    let core = turn % running.count
    turn += 1
    let last = running[core]
    block.append(.vcpuOut, UInt64(last), UInt64(core), random.below(2))
    block.append(.vcpuIn, UInt64(next), UInt64(core))
    running[core] = next
    waiting.removeFirst()
    waiting.append(last)
  }

  private func send(from device: Int, entry: UInt64, _ block: inout BlockBuilder) {
    block.append(
      .interruptMessage, Self.requester(device),
      0xfee0_0010 | (entry & 0x7fff) << 5 | (entry >> 15) << 2, 0)
  }

  /// An NMI in compatibility format, another device's entry, or one beyond all of them.
  private mutating func forge(_ device: Int, _ block: inout BlockBuilder) {
    let last = UInt64(devices * options.vectors)
    switch random.below(3) {
    case 0:
      let core = random.below(UInt64(options.cores)) & 0xff
      block.append(.interruptMessage, Self.requester(device), 0xfee0_0000 | core << 12, 0x400)
    case 1:
      let other = (device + 1 + Int(random.below(UInt64(max(devices - 1, 1))))) % devices
      send(from: device, entry: UInt64(other * options.vectors), &block)
    default: send(from: device, entry: min(last + random.below(64), 0xffff), &block)
    }
  }
}
