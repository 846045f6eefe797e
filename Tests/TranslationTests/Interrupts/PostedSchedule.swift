/// A schedule of 8 virtual processors of 4 guests on 4 cores, written as a scenario, with planted
/// mistakes of the hypervisor, and what a right checker must find.
///
/// It keeps its own account of every descriptor, in plain words and apart from the program.
struct PostedSchedule {
  static let processors = 8
  static let cores = 4

  private(set) var lines = ["nestwalk scenario 1"]
  private(set) var expected = Expected()
  private var random: UInt64
  private var time: UInt64 = 0
  private var states = [State](repeating: State(), count: processors)

  /// Counters that follow from the schedule.
  struct Expected: Equatable {
    var requests = 0
    var direct = 0
    var pending = 0
    var merged = 0
    var misdelivered = 0
    var wrongCore = 0
    var lost = 0
    var spurious = 0
    var resumed = 0
    var waiting = 0
  }

  private struct State {
    /// The core that it runs on.
    var core: Int?
    var isBlocked = false
    var lastCore = 0
    var waiting: Set<Int> = []
  }

  /// - Parameters:
  ///   - seed: of every choice.
  ///   - steps: of the schedule; each is one change or one interrupt.
  ///   - planted: mistakes of each kind.
  init(seed: UInt64, steps: Int, planted: Int) {
    random = seed
    lines += [
      "# 8 virtual processors of 4 guests on 4 cores, with preemption and blocking. Planted: \(planted)",
      "# notifications to a core where the virtual processor does not run, \(planted) suppressed while it",
      "# is blocked, and \(planted) for one that was preempted. Seed \(seed).",
    ]
    for number in 0..<Self.processors {
      let guest = number / 2 + 1
      let address = Self.descriptor(number)
      let low = 1 | 1 << 15 | UInt64(0x40 + number) << 16 | ((address >> 6) & 0x3ff_ffff) << 38
      add("vcpuDefine vcpu=\(number) guest=\(guest)")
      add("postedDefine address=\(hex(address)) vcpu=\(number) guest=\(guest)")
      add("deviceOwner device=\(hex(Self.device(number))) guest=\(guest)")
      let high = 1 << 18 | Self.device(number)
      add("interruptEntry index=\(number) low=\(hex(low)) high=\(hex(high))")
      add("entryOwner index=\(number) guest=\(guest)")
      control(number, core: 0, vector: 0xf2, isSuppressed: true)
    }
    let every = steps / (3 * planted + 1)
    var left = (0..<3 * planted).map { $0 % 3 }
    for step in 0..<steps {
      time += 200 + draw(800)
      add("time nanoseconds=\(time)")
      if step % every == every - 1, let kind = left.first {
        left.removeFirst()
        plant(kind)
      } else if draw(4) == 0 {
        reschedule()
      } else {
        interrupt(Int(draw(UInt64(Self.processors))))
      }
    }
    expected.waiting = states.reduce(0) { $0 + $1.waiting.count }
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  // MARK: The hypervisor

  private static func descriptor(_ number: Int) -> UInt64 { 0x10_0000 + UInt64(number) * 64 }
  private static func device(_ number: Int) -> UInt64 { 0x0300 + UInt64(number) << 8 }

  private mutating func control(
    _ number: Int, core: Int, vector: UInt64, isSuppressed: Bool
  ) {
    let word = UInt64(core) << 32 | vector << 16 | (isSuppressed ? 2 : 0)
    add("postedControl address=\(hex(Self.descriptor(number))) control=\(hex(word))")
  }

  private mutating func enter(_ number: Int, _ core: Int) {
    let isWaiting = !states[number].waiting.isEmpty
    // A right hypervisor sets ON where vectors wait, so that the entry looks at them.
    let word = UInt64(core) << 32 | 0xf2 << 16 | (isWaiting ? 1 : 0)
    add("postedControl address=\(hex(Self.descriptor(number))) control=\(hex(word))")
    add("vcpuIn vcpu=\(number) core=\(core)")
    expected.resumed += states[number].waiting.count
    states[number].waiting = []
    states[number].core = core
    states[number].lastCore = core
    states[number].isBlocked = false
  }

  private mutating func leave(_ number: Int, isBlocked: Bool, isMistaken: Bool = false) {
    guard let core = states[number].core else { return }
    // The mistake: suppressed while blocked, or not suppressed while preempted.
    control(
      number, core: core, vector: isBlocked ? 0xf1 : 0xf2, isSuppressed: isBlocked == isMistaken)
    add("vcpuOut vcpu=\(number) core=\(core) blocked=\(isBlocked ? 1 : 0)")
    states[number].core = nil
    states[number].isBlocked = isBlocked
  }

  private mutating func reschedule() {
    let core = Int(draw(UInt64(Self.cores)))
    if let there = running(on: core) { leave(there, isBlocked: draw(2) == 0) }
    let idle = states.indices.filter { states[$0].core == nil }
    enter(idle[Int(draw(UInt64(idle.count)))], core)
  }

  private func running(on core: Int) -> Int? { states.firstIndex { $0.core == core } }

  // MARK: Interrupts

  /// One interrupt, where the hypervisor keeps its contract.
  private mutating func interrupt(_ number: Int) {
    send(number)
    if states[number].core != nil {
      expected.direct += 1
      return
    }
    expected.pending += 1
    if !states[number].waiting.insert(0x40 + number).inserted { expected.merged += 1 }
  }

  private mutating func send(_ number: Int) {
    expected.requests += 1
    let address = 0xfee0_0010 | UInt64(number) << 5
    add("interruptMessage device=\(hex(Self.device(number))) address=\(hex(address))")
  }

  /// A mistake: 0 a notification to the wrong core, 1 none for one that is blocked, 2 one for nothing.
  private mutating func plant(_ kind: Int) {
    // On a core of its own choice, so that nothing of it waits.
    let core = Int(draw(UInt64(Self.cores)))
    if let there = running(on: core) { leave(there, isBlocked: false) }
    let idle = states.indices.filter { states[$0].core == nil }
    let number = idle[Int(draw(UInt64(idle.count)))]
    enter(number, core)
    switch kind {
    case 0:
      let wrong = (core + 1 + Int(draw(UInt64(Self.cores - 1)))) % Self.cores
      control(number, core: wrong, vector: 0xf2, isSuppressed: false)
      send(number)
      expected.wrongCore += 1
      expected.misdelivered += 1
      states[number].waiting.insert(0x40 + number)
    case 1:
      leave(number, isBlocked: true, isMistaken: true)
      send(number)
      expected.lost += 1
      expected.pending += 1
      states[number].waiting.insert(0x40 + number)
    default:
      leave(number, isBlocked: false, isMistaken: true)
      send(number)
      expected.spurious += 1
      expected.pending += 1
      states[number].waiting.insert(0x40 + number)
    }
    // And put right: it runs, and takes what waits.
    if let core = states[number].core {
      leave(number, isBlocked: false)
      enter(number, core)
    } else {
      if let there = running(on: core) { leave(there, isBlocked: false) }
      enter(number, core)
    }
  }

  // MARK: Writing

  private mutating func add(_ line: String) { lines.append(line) }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

  /// Knuth's MMIX constants; the high bits are the better ones.
  private mutating func draw(_ limit: UInt64) -> UInt64 {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (random >> 33) % limit
  }
}
