import Reporting
import Results
import TraceFile

/// Which events of a trace belong to the story of a finding.
struct FindingEvidence {
  let finding: Finding
  private var device: UInt64?
  private var domain: UInt64?
  private var index: UInt64?
  /// Pages that are spoken of: addresses that requests named, and frames.
  private var addresses: Set<UInt64> = []
  private var frames: Set<UInt64> = []
  /// Events that the evidence names, with the word under which it does.
  private var named: [Int: String] = [:]

  init(_ finding: Finding) {
    self.finding = finding
    let detail = finding.first.detail.merging(finding.subject) { $1 }
    device = detail["device"].flatMap(Self.device)
    domain = detail["domain"].flatMap(Self.number)
    index = detail["index"].flatMap(Self.number) ?? detail["entry"].flatMap(Self.number)
    for name in ["iova", "address", "gpa"] {
      if let page = detail[name].flatMap(Self.number) { addresses.insert(page >> 12) }
    }
    if let frame = detail["frame"].flatMap(Self.number) { frames.insert(frame >> 12) }
    for (name, text) in detail.sorted(by: { $0.key < $1.key }) {
      let words = text.split { $0 == " " || $0 == "," }
      for (at, word) in words.enumerated() where word == "event" && at + 1 < words.count {
        if let number = Int(words[at + 1]) { named[number] = name }
      }
    }
  }

  /// `00:03.0 (nic)` as a requester's number.
  private static func device(_ text: String) -> UInt64? {
    let parts = text.prefix { $0 != " " }.split { $0 == ":" || $0 == "." }
    guard parts.count == 3, let bus = UInt64(parts[0], radix: 16),
      let slot = UInt64(parts[1], radix: 16), let function = UInt64(parts[2], radix: 16)
    else { return number(text) }
    return bus << 8 | slot << 3 | function
  }

  /// `0x5000 and more` or `17`.
  private static func number(_ text: String) -> UInt64? {
    let word = text.prefix { $0 != " " }
    return word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
  }

  /// Why an event belongs to the story; nothing where it does not.
  ///
  /// - Parameters:
  ///   - tag: of the event.
  ///   - number: of the event in the trace.
  ///   - word: reads one of its words by its name.
  /// - Returns: a word or two.
  func role(_ tag: EventTag, number: Int, _ word: (String) -> UInt64?) -> String? {
    if number == finding.first.event { return "the finding" }
    if let name = named[number] { return name }
    let isOfDevice = device != nil && word("device") == device
    let isOfDomain = domain != nil && word("domain") == domain
    switch tag {
    case .attach, .detach, .deviceOwner, .domainOwner:
      return isOfDevice || isOfDomain ? "who may reach what" : nil
    case .iommuCommand, .iommuCompletion:
      return frames.isEmpty && addresses.isEmpty
        ? nil : "invalidations"
    case .interruptEntry, .entryOwner, .recordedEntry:
      return index != nil && word("index") == index ? "the entry" : nil
    case .frameOwner:
      guard let first = word("frame") else { return nil }
      let count = max(word("frames") ?? 1, 1)
      return frames.contains { $0 >= first && $0 - first < count } ? "the frame's owner" : nil
    default: break
    }
    let bytes = max(word("bytes") ?? 1, 1)
    if let address = word("address"), isInside(addresses, address, bytes) {
      return isOfDevice || isOfDomain || word("device") == nil ? "the same address" : nil
    }
    if let output = word("output"), isInside(frames, output, bytes) { return "the same frame" }
    return nil
  }

  private func isInside(_ pages: Set<UInt64>, _ start: UInt64, _ bytes: UInt64) -> Bool {
    let end = start.addingReportingOverflow(bytes - 1)
    let last = (end.overflow ? .max : end.partialValue) >> 12
    return pages.contains { $0 >= start >> 12 && $0 <= last }
  }

  /// Why a record belongs to the story: a processor touched a page that it speaks of.
  func role(of record: TraceRecord, number: Int) -> String? {
    if finding.first.event == nil, number == finding.first.record { return "the finding" }
    return addresses.contains(record.address >> 12) ? "the same page" : nil
  }
}

/// The last events of a finding's story, collected from blocks in order.
struct FindingStoryLines {
  let evidence: FindingEvidence
  private(set) var lines: [StoryLine] = []
  /// Lines that found no room.
  private(set) var left = 0
  private var events = 0
  private var records = 0
  private var time: UInt64 = 0

  private static let most = 40

  init(_ evidence: FindingEvidence) { self.evidence = evidence }

  /// Everything up to the finding was seen.
  var isDone: Bool {
    evidence.finding.first.event.map { events > $0 } ?? (records > evidence.finding.first.record)
  }

  mutating func take(_ block: TraceBlock) throws {
    var items = TraceItems()
    try items.append(block)
    for item in items.items {
      guard !isDone else { return }
      switch item {
      case .record(let record):
        if let role = evidence.role(of: record, number: records) {
          add(StoryLine(event: records, time: 0, text: item.scenarioLine, role: role + " (record)"))
        }
        records += 1
      case .event(let tag, let words):
        if tag == .time { time = words.first ?? 0 }
        let fields = tag.fields
        let role = evidence.role(tag, number: events) { name in
          fields.firstIndex(of: name).map { $0 < words.count ? words[$0] : 0 }
        }
        if let role {
          add(
            StoryLine(
              event: events, time: Int(clamping: time), text: item.scenarioLine, role: role))
        }
        events += 1
      }
    }
  }

  private mutating func add(_ line: StoryLine) {
    lines.append(line)
    guard lines.count > 2 * Self.most else { return }
    shorten()
  }

  /// Keeps what the evidence names, and of the rest the latest.
  private mutating func shorten() {
    let general: Set<String> = ["invalidations", "the same address", "the same frame"]
    var spare = lines.count - Self.most
    lines.removeAll { line in
      guard spare > 0, general.contains(line.role) else { return false }
      spare -= 1
      left += 1
      return true
    }
    if lines.count > 2 * Self.most {
      left += lines.count - Self.most
      lines.removeFirst(lines.count - Self.most)
    }
  }

  /// At most so many lines as a reader reads.
  mutating func finish() { if lines.count > Self.most { shorten() } }
}
