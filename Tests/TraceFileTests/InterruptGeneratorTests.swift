import Testing

@testable import TraceFile

@Suite("Generated interrupts")
struct InterruptGeneratorTests {
  private func events(_ options: InterruptOptions) throws -> [SeenEvent] {
    let trace = try GeneratedTrace(.interrupts(options))
    let block = TraceBlock()
    var events: [SeenEvent] = []
    while trace.next(into: block) {
      try block.loadEvents()
      block.withEvents { list in events += list.map(SeenEvent.init) }
    }
    return events
  }

  @Test("an entry for each vector, as many messages as asked, and turns between them")
  func interrupts() throws {
    var options = InterruptOptions()
    (options.messages, options.slice, options.guests, options.processors) = (5000, 100, 3, 2)
    (options.cores, options.vectors) = (4, 2)
    let made = try events(options)
    func count(_ tag: EventTag) -> Int { made.filter { $0.tag == tag }.count }
    #expect(count(.interruptEntry) == 3 * 2 * 2)
    #expect(count(.interruptMessage) == 5000)
    // Before messages 100, 200, .. 4900; four begin on their cores.
    #expect(count(.vcpuOut) == 49)
    #expect(count(.vcpuIn) == 49 + 4)
    for event in made where event.tag == .interruptMessage {
      // Device n sends by entry 2n or 2n + 1.
      let index = event.words[1] >> 5 & 0x7fff
      #expect(event.words[0] - 0x100 == index / 2)
    }
    #expect(try events(options) == made)
    options.seed = 2
    #expect(try events(options) != made)
  }

  @Test("options of interrupts that cannot be are refused by name")
  func interruptOptions() {
    let wrong: [(String, (inout InterruptOptions) -> Void)] = [
      ("--messages", { $0.messages = 0 }), ("--guests", { $0.guests = 0 }),
      ("--processors", { ($0.guests, $0.processors) = (33, 32) }), ("--cores", { $0.cores = 0 }),
      ("--vectors", { $0.vectors = 65 }), ("--slice", { $0.slice = -1 }),
      ("--posted", { $0.postedPercent = 101 }), ("--forged", { $0.forgedPermille = -1 }),
      ("--interval", { $0.interval = 1_000_000_001 }),
    ]
    for (name, change) in wrong {
      var options = InterruptOptions()
      change(&options)
      let error = #expect(throws: GeneratorError.self) {
        _ = try GeneratedTrace(.interrupts(options))
      }
      #expect(error?.option == name)
    }
  }
}
