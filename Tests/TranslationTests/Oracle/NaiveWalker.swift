@testable import Translation

/// A second walker, recursive and by the manuals' words: one function a stage, no caches, every rule
/// from `ManualRules`.
final class NaiveWalker {
  enum Format: Sendable { case longMode, extended, nested }

  struct Stage: Sendable {
    var format: Format
    var levels: Int
    var root: UInt64
    var controls = NaiveControls()
  }

  struct Reference: Equatable {
    var firstLevel: Int
    /// Nothing for a first-stage entry.
    var secondLevel: Int?
    var address: UInt64
    var value: UInt64
  }

  struct Fault: Error, Equatable {
    var isSecond = false
    var reason: WalkFault.Reason
    var address: UInt64
    var onTable = false
    var kind: WalkFault.Kind
    var code: UInt64?
    var isException = false
    var inShadow = false
  }

  /// What entries of one stage say together, and its leaf.
  struct Found: Equatable {
    var address: UInt64
    var level: Int
    var read = true
    var write = true
    var supervisorFetch = true
    var userFetch = true
    var user = true
    var leaf: UInt64 = 0
    /// The page of the second stage lets its tables be written.
    var backingWrite = true
  }

  /// Host-physical words from address 0, and which frames exist.
  private(set) var words: [UInt64]
  private var exists: [Bool]
  private(set) var path: [Reference] = []
  private let first: Stage
  private let second: Stage?
  private let start: WalkContext.Start

  init(frames: Int, first: Stage, second: Stage?, start: WalkContext.Start = .guest) {
    words = Array(repeating: 0, count: frames * 512)
    exists = Array(repeating: false, count: frames)
    self.first = first
    self.second = second
    self.start = start
  }

  subscript(address: UInt64) -> UInt64 {
    get { words[Int(address / 8)] }
    set {
      words[Int(address / 8)] = newValue
      exists[Int(address / 4096)] = true
    }
  }

  func hasFrame(_ frame: Int) -> Bool { exists[frame] }

  private func word(_ address: UInt64) -> UInt64? {
    guard address / 4096 < UInt64(exists.count), exists[Int(address / 4096)] else { return nil }
    return words[Int(address / 8)]
  }

  /// Both stages.
  func walk(
    _ address: UInt64, _ access: NaiveAccess
  ) throws(Fault) -> (first: Found, second: Found?) {
    path.removeAll(keepingCapacity: true)
    let bits = UInt64(12 + 9 * first.levels)
    let isGood: Bool
    switch first.format {
    case .longMode:
      let top = address >> (bits - 1)
      isGood = top == 0 || top == .max >> (bits - 1)
    case .extended, .nested: isGood = address >> bits == 0
    }
    guard isGood else {
      throw self.fault(.notCanonical, address, access, nil, inShadow: false)
    }
    let top = first.levels - 1
    var seed = Found(address: 0, level: 0)
    switch start {
    case .guest:
      let (table, canWrite) = try tableHost(first.root, address, top)
      seed.backingWrite = canWrite
      return try step(address, access, table, first.root, top, seed, inShadow: false)
    case .guestAtHost:
      return try step(address, access, first.root, 0, top, seed, inShadow: false)
    case .shadow:
      return try step(address, access, first.root, 0, top, seed, inShadow: true)
    }
  }

  /// Where a first-stage table is, and whether it may be written.
  private func tableHost(
    _ table: UInt64, _ address: UInt64, _ level: Int
  ) throws(Fault) -> (UInt64, Bool) {
    let entry = table + index(address, level) * 8
    let found = try guest(entry, for: level, .read, isTable: true, page: nil)
    return (found.address / 4096 * 4096, found.write)
  }

  private func index(_ address: UInt64, _ level: Int) -> UInt64 {
    address / (1 << UInt64(12 + 9 * level)) % 512
  }

  /// One first-stage entry and what follows from it.
  private func step(
    _ address: UInt64, _ access: NaiveAccess, _ table: UInt64, _ guestTable: UInt64, _ level: Int,
    _ above: Found, inShadow: Bool
  ) throws(Fault) -> (first: Found, second: Found?) {
    let place = table + index(address, level) * 8
    guard let entry = word(place) else {
      throw fault(.absent, address, access, nil, inShadow: inShadow)
    }
    path.append(Reference(firstLevel: level, secondLevel: nil, address: place, value: entry))
    guard isPresent(entry, first) else {
      throw fault(.notPresent, address, access, entry, inShadow: inShadow)
    }
    guard !isBad(entry, level, first) else {
      throw fault(.malformed, address, access, entry, inShadow: inShadow)
    }
    var here = combined(above, entry, first)
    let isLeaf = level == 0 || entry & 0x80 != 0
    var flags = accessedFlag(first)
    if isLeaf {
      here.level = level
      switch verdict(here, entry, access) {
      case .allowed: break
      case .denied: throw fault(.forbidden, address, access, entry, here, inShadow: inShadow)
      case .deniedByKey:
        throw fault(.protectionKey, address, access, entry, here, inShadow: inShadow)
      }
      if access.kind == .write { flags |= dirtyFlag(first) }
    }
    if entry | flags != entry {
      guard here.backingWrite else {
        throw flagFault(guestTable + index(address, level) * 8)
      }
      words[Int(place / 8)] = entry | flags
    }
    let frame = entry & 0x000f_ffff_ffff_f000
    guard isLeaf else {
      if inShadow {
        var next = here
        next.backingWrite = true
        return try step(
          address, access, frame, 0, level - 1, next, inShadow: entry & 0x200 == 0)
      }
      let (host, canWrite) = try tableHost(frame, address, level - 1)
      here.backingWrite = canWrite
      return try step(address, access, host, frame, level - 1, here, inShadow: false)
    }
    here.leaf = entry | flags
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    here.address = frame / size * size + address % size
    if inShadow || second == nil { return (here, nil) }
    let found = try guest(here.address, for: 5, access.kind, isTable: false, page: here)
    return (here, found)
  }

  /// The second stage, for a table (`for` is its level) or for data.
  private func guest(
    _ address: UInt64, for step: Int, _ kind: NaiveAccess.Kind, isTable: Bool, page: Found?
  ) throws(Fault) -> Found {
    guard let second else { return Found(address: address, level: 2) }
    let ask = Ask(address: address, kind: kind, isTable: isTable, page: page)
    guard address >> UInt64(12 + 9 * second.levels) == 0 else {
      throw secondFault(.notPresent, ask, nil, nil)
    }
    return try descend(second.root, second.levels - 1, step, ask, Found(address: 0, level: 0))
  }

  private struct Ask {
    var address: UInt64
    var kind: NaiveAccess.Kind
    var isTable: Bool
    var page: Found?
  }

  private func descend(
    _ table: UInt64, _ level: Int, _ step: Int, _ ask: Ask, _ above: Found
  ) throws(Fault) -> Found {
    guard let second else { return above }
    let place = table + index(ask.address, level) * 8
    guard let entry = word(place) else { throw secondFault(.absent, ask, nil, nil) }
    path.append(Reference(firstLevel: step, secondLevel: level, address: place, value: entry))
    guard isPresent(entry, second) else { throw secondFault(.notPresent, ask, entry, nil) }
    guard !isBad(entry, level, second) else { throw secondFault(.malformed, ask, entry, nil) }
    var here = combined(above, entry, second)
    let frame = entry & 0x000f_ffff_ffff_f000
    guard level == 0 || entry & 0x80 != 0 else {
      words[Int(place / 8)] = entry | accessedFlag(second)
      return try descend(frame, level - 1, step, ask, here)
    }
    guard secondAllows(here, ask) else { throw secondFault(.forbidden, ask, entry, here) }
    var flags = accessedFlag(second)
    if isWrite(ask) { flags |= dirtyFlag(second) }
    words[Int(place / 8)] = entry | flags
    here.leaf = entry | flags
    here.level = level
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    here.address = frame / size * size + ask.address % size
    return here
  }

  /// Whether the second stage takes an access for a write: an AMD guest's tables always, an Intel
  /// guest's with accessed and dirty flags.
  private func isWrite(_ ask: Ask) -> Bool {
    guard ask.isTable else { return ask.kind == .write }
    return second?.format == .nested || second?.format == .extended && second?.controls.ad == true
  }

  private func secondAllows(_ page: Found, _ ask: Ask) -> Bool {
    guard let second else { return true }
    switch second.format {
    case .extended:
      if isWrite(ask), !page.write { return false }
      switch ask.kind {
      case .read: return page.read
      case .write: return page.write
      // The mode of the address, and not of the processor.
      case .fetch: return ask.page?.user == true ? page.userFetch : page.supervisorFetch
      }
    case .nested:
      guard page.user else { return false }
      if isWrite(ask), !page.write { return false }
      return ask.kind != .fetch || page.supervisorFetch
    case .longMode:
      let page = ManualRules.Page(
        isUser: page.user, isWritable: page.write, isExecuteDisabled: !page.supervisorFetch, key: 0)
      let access = NaiveAccess(kind: ask.kind, mode: .explicit)
      return ManualRules.longMode(page, access, second.controls) == .allowed
    }
  }

  private func verdict(
    _ page: Found, _ leaf: UInt64, _ access: NaiveAccess
  ) -> ManualRules.Verdict {
    switch first.format {
    case .longMode:
      let page = ManualRules.Page(
        isUser: page.user, isWritable: page.write, isExecuteDisabled: !page.supervisorFetch,
        key: leaf / (1 << 59) % 16)
      return ManualRules.longMode(page, access, first.controls)
    case .extended:
      switch access.kind {
      case .read: return page.read ? .allowed : .denied
      case .write: return page.write ? .allowed : .denied
      case .fetch:
        let isAllowed = access.mode == .user ? page.userFetch : page.supervisorFetch
        return isAllowed ? .allowed : .denied
      }
    case .nested:
      guard page.user else { return .denied }
      switch access.kind {
      case .read: return .allowed
      case .write: return page.write ? .allowed : .denied
      case .fetch: return page.supervisorFetch ? .allowed : .denied
      }
    }
  }

  private func isPresent(_ entry: UInt64, _ stage: Stage) -> Bool {
    stage.format == .extended
      ? entry % 8 != 0 || stage.controls.mbec && entry & 0x400 != 0 : entry % 2 == 1
  }

  private func isBad(_ entry: UInt64, _ level: Int, _ stage: Stage) -> Bool {
    stage.format == .extended
      ? ManualRules.isMisconfigured(entry, level: level, stage.controls)
      : ManualRules.hasReservedBit(entry, level: level, stage.controls)
  }

  private func combined(_ above: Found, _ entry: UInt64, _ stage: Stage) -> Found {
    var here = above
    if stage.format == .extended {
      if entry & 1 == 0 { here.read = false }
      if entry & 2 == 0 { here.write = false }
      if entry & 4 == 0 { here.supervisorFetch = false }
      if entry & (stage.controls.mbec ? 0x400 : 4) == 0 { here.userFetch = false }
    } else {
      if entry & 2 == 0 { here.write = false }
      if entry & 4 == 0 { here.user = false }
      if entry >> 63 == 1 { (here.supervisorFetch, here.userFetch) = (false, false) }
    }
    return here
  }

  private func accessedFlag(_ stage: Stage) -> UInt64 {
    stage.format == .extended ? (stage.controls.ad ? 0x100 : 0) : 0x20
  }

  private func dirtyFlag(_ stage: Stage) -> UInt64 {
    stage.format == .extended ? (stage.controls.ad ? 0x200 : 0) : 0x40
  }

  // MARK: - Faults

  private func fault(
    _ reason: WalkFault.Reason, _ address: UInt64, _ access: NaiveAccess, _ entry: UInt64?,
    _ page: Found? = nil, inShadow: Bool
  ) -> Fault {
    var fault = Fault(reason: reason, address: address, kind: .pageFault, inShadow: inShadow)
    switch first.format {
    case .longMode:
      if reason == .notCanonical {
        fault.kind = .generalProtection
      } else if reason != .absent {
        fault.code = ManualRules.errorCode(
          present: reason != .notPresent, reserved: reason == .malformed,
          key: reason == .protectionKey, access, first.controls)
      }
    case .nested:
      fault.kind = .nestedPageFault
      if reason != .absent {
        fault.code =
          1 << 32
          | ManualRules.errorCode(
            present: reason != .notPresent, reserved: reason == .malformed,
            NaiveAccess(kind: access.kind, mode: .user), first.controls)
      }
    case .extended:
      fault.kind = reason == .malformed ? .eptMisconfiguration : .eptViolation
      if reason != .absent, reason != .malformed {
        fault.code = [NaiveAccess.Kind.read: 1, .write: 2, .fetch: 4][access.kind]
        if reason != .notPresent { fault.code? |= allowedBits(page, first) }
        fault.isException =
          first.controls.virtualizationException && entry.map { $0 >> 63 == 0 } == true
      }
    }
    return fault
  }

  /// Bits 6:3 of an exit qualification.
  private func allowedBits(_ page: Found?, _ stage: Stage) -> UInt64 {
    guard let page else { return 0 }
    return (page.read ? 8 : 0) | (page.write ? 16 : 0) | (page.supervisorFetch ? 32 : 0)
      | (page.userFetch && stage.controls.mbec ? 64 : 0)
  }

  private func secondFault(
    _ reason: WalkFault.Reason, _ ask: Ask, _ entry: UInt64?, _ page: Found?
  ) -> Fault {
    var fault = Fault(
      isSecond: true, reason: reason, address: ask.address, onTable: ask.isTable,
      kind: .eptViolation)
    guard let second else { return fault }
    let isSilent = reason == .absent
    switch second.format {
    case .nested:
      fault.kind = .nestedPageFault
      guard !isSilent else { return fault }
      let access = NaiveAccess(kind: isWrite(ask) ? .write : ask.kind, mode: .user)
      fault.code =
        (ask.isTable ? 1 << 33 : 1 << 32)
        | ManualRules.errorCode(
          present: reason != .notPresent, reserved: reason == .malformed, access, second.controls)
    case .longMode:
      fault.kind = .pageFault
      guard !isSilent else { return fault }
      fault.code = ManualRules.errorCode(
        present: reason != .notPresent, reserved: reason == .malformed,
        NaiveAccess(kind: ask.kind, mode: .explicit), second.controls)
    case .extended:
      if reason == .malformed { fault.kind = .eptMisconfiguration }
      guard !isSilent, reason != .malformed else { return fault }
      // "If accessed and dirty flags for EPT are enabled ... the processor sets both bit 0 and bit 1".
      var code: UInt64 = ask.isTable && isWrite(ask) ? 3 : 0
      if !ask.isTable || !isWrite(ask) {
        code = ask.kind == .read ? 1 : ask.kind == .write ? 2 : 4
      }
      code |= 1 << 7
      if reason != .notPresent { code |= allowedBits(page, second) }
      if !ask.isTable {
        code |= 1 << 8
        if second.controls.advanced, let page = ask.page {
          if page.user { code |= 1 << 9 }
          if page.write { code |= 1 << 10 }
          if !page.supervisorFetch { code |= 1 << 11 }
        }
      }
      fault.code = code
      fault.isException =
        second.controls.virtualizationException && entry.map { $0 >> 63 == 0 } == true
    }
    return fault
  }

  /// An accessed or dirty flag to be set in a table that the second stage does not let be written.
  private func flagFault(_ address: UInt64) -> Fault {
    // Looked up again for what its entries allow together, without being counted.
    let before = path
    defer { path = before }
    let ask = Ask(address: address, kind: .write, isTable: true, page: nil)
    let found = try? guest(address, for: 0, .read, isTable: true, page: nil)
    return secondFault(.forbidden, ask, found?.leaf, found)
  }
}
