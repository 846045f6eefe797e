import Foundation
import Machine
import Testing

@testable import Translation

/// The product's walker against the oracle's, on tables filled at random.
@Suite("Every walk equals the naive walker's")
struct WalkDifferentialTests {
  /// Walks in all: 10 million, or what `NESTWALK_WALKS` says.
  static let walks =
    ProcessInfo.processInfo.environment["NESTWALK_WALKS"].flatMap { Int($0) } ?? 10_000_000
  /// Sets of tables for each shape.
  static let sets = 4

  @Test("outcome, path, code, flags and tables afterwards", arguments: WalkShape.all.indices)
  func equal(index: Int) {
    let shape = WalkShape.all[index]
    let count = Self.walks / WalkShape.all.count / Self.sets + 1
    var translated = 0
    var faults: Set<String> = []
    for set in 0..<Self.sets {
      var tables = RandomTables(shape, seed: UInt64(index * 100 + set))
      let stages = StageWalk(
        shape.first.product, shape.second?.product, tables.image, setsBits: true)
      var path = WalkPath()
      for walk in 0..<count {
        let (address, access) = (tables.address(), tables.access())
        let outcome = stages.walk(GVA(address), access.product, tables.context, &path)
        let difference: String?
        switch (outcome, naive(tables.naive, address, access)) {
        case (.translated(let found), .success(let expected)):
          translated += 1
          difference = Self.difference(found, expected, shape, tables.context)
        case (.fault(let found), .failure(let expected)):
          faults.insert("\(found.stage) \(found.reason) \(found.onTableWalk)")
          difference = expected.isEqual(to: found) ? nil : "\(found) and \(expected)"
        case (let found, let expected): difference = "\(found) and \(expected)"
        }
        guard difference == nil, Self.isEqual(path, tables.naive.path) else {
          Issue.record(
            """
            \(shape), set \(set), walk \(walk): 0x\(String(address, radix: 16)) \(access): \
            \(difference ?? "the paths differ")
            """)
          return
        }
      }
      guard Self.isEqual(tables.image.memory, tables.naive) else {
        Issue.record("\(shape), set \(set): the tables differ afterwards")
        return
      }
    }
    // The tables are worth walking: many walks end well, and in faults of every kind there is.
    #expect(translated * 10 > count * Self.sets, "\(shape): \(translated)")
    let kinds = shape.second == nil ? 4 : 6
    #expect(faults.count >= kinds, "\(shape): \(faults)")
  }

  @Test(
    "walk caches and the nested TLB change what is read and not what is found",
    arguments: WalkShape.all.indices)
  func cached(index: Int) throws {
    let shape = WalkShape.all[index]
    let caches = try machine("reference-cached").description.walkCaches
    var tables = RandomTables(shape, seed: UInt64(index * 100 + 77))
    let cached = StageWalk(
      shape.first.product, shape.second?.product, tables.image,
      caches: WalkCacheSet(caches, hasSecondStage: shape.secondLevels > 0), setsBits: true)
    let plain = StageWalk(shape.first.product, shape.second?.product, tables.image)
    var path = WalkPath()
    var whole = WalkPath()
    var saved = 0
    var recent: [UInt64] = []
    for walk in 0..<(Self.walks / 200) {
      // Half of the addresses are near others, so that caches hit.
      var address = tables.address()
      if walk % 2 == 1, let near = recent.last { address = near ^ address & 0x3f_ffff }
      recent = [address]
      let access = tables.access()
      var context = tables.context
      // Two spaces with the same tables do not see one another's entries.
      context.firstTag = UInt16(walk / 2 % 3)
      context.secondTag = UInt16(walk / 2 % 2)
      let expected = plain.walk(GVA(address), access.product, context, &whole)
      let found = cached.walk(GVA(address), access.product, context, &path)
      guard Self.isAlike(found, expected) else {
        Issue.record("\(shape): 0x\(String(address, radix: 16)): \(found) and \(expected)")
        return
      }
      saved += whole.count - path.count
    }
    #expect(saved > 0)
  }

  private func naive(
    _ walker: NaiveWalker, _ address: UInt64, _ access: NaiveAccess
  ) -> Result<(first: NaiveWalker.Found, second: NaiveWalker.Found?), NaiveWalker.Fault> {
    do throws(NaiveWalker.Fault) {
      return .success(try walker.walk(address, access))
    } catch {
      return .failure(error)
    }
  }

  /// But for what a cache may know late: that another walk has made a leaf dirty.
  private static func isAlike(_ found: WalkOutcome, _ expected: WalkOutcome) -> Bool {
    switch (found, expected) {
    case (.translated(var found), .translated(let expected)):
      found.isFirstDirty = expected.isFirstDirty
      found.isSecondDirty = expected.isSecondDirty
      return found == expected
    case (.fault(let found), .fault(let expected)): return found == expected
    default: return false
    }
  }

  private static func difference(
    _ found: Translated, _ expected: (first: NaiveWalker.Found, second: NaiveWalker.Found?),
    _ shape: WalkShape, _ context: WalkContext
  ) -> String? {
    let (first, second) = expected
    let isLongMode = shape.first == .longMode
    let type = shape.first == .extended ? first.leaf >> 3 & 15 : patIndex(first.leaf, first.level)
    var want = Translated(
      address: HPA(second?.address ?? first.address),
      first: PageSize(rawValue: UInt8(first.level)) ?? .huge1G,
      second: PageSize(rawValue: UInt8(second?.level ?? 2)) ?? .huge1G,
      firstRights: rights(first), secondRights: second.map { rights($0) } ?? .all,
      isGlobal: isLongMode && first.leaf >> 8 & 1 == 1,
      isFirstDirty: isDirty(first.leaf, shape.first, context.firstControls), isSecondDirty: true,
      key: isLongMode ? UInt8(first.leaf >> 59 & 15) : 0,
      type: MemoryType(patIndex: UInt8(type), second: 0))
    if let second, let format = shape.second {
      want.isSecondDirty = isDirty(second.leaf, format, context.secondControls)
      want.type.second = UInt8(
        format == .extended ? second.leaf >> 3 & 15 : patIndex(second.leaf, second.level))
    }
    return want == found ? nil : "\(found) and \(want)"
  }

  private static func patIndex(_ leaf: UInt64, _ level: Int) -> UInt64 {
    leaf >> 3 & 3 | (level == 0 ? leaf >> 7 & 1 : leaf >> 12 & 1) << 2
  }

  private static func isDirty(
    _ leaf: UInt64, _ format: NaiveWalker.Format, _ controls: PagingControls
  ) -> Bool {
    format == .extended
      ? !controls.flags.contains(.accessedDirty) || leaf >> 9 & 1 == 1 : leaf >> 6 & 1 == 1
  }

  private static func rights(_ found: NaiveWalker.Found) -> Rights {
    var rights: Rights = []
    if found.read { rights.insert(.read) }
    if found.write { rights.insert(.write) }
    if found.supervisorFetch { rights.insert(.execute) }
    if found.userFetch { rights.insert(.userExecute) }
    if found.user { rights.insert(.user) }
    return rights
  }

  private static func isEqual(
    _ path: borrowing WalkPath, _ naive: [NaiveWalker.Reference]
  ) -> Bool {
    guard path.count == naive.count else { return false }
    for at in 0..<path.count {
      let (one, other) = (path[at], naive[at])
      guard one.address.rawValue == other.address, one.value == other.value,
        Int(one.firstLevel) == other.firstLevel,
        (one.isSecondStage ? Int(one.secondLevel) : nil) == other.secondLevel
      else { return false }
    }
    return true
  }

  private static func isEqual(_ memory: borrowing PhysicalMemory, _ naive: NaiveWalker) -> Bool {
    for frame in 0..<RandomTables.frames where naive.hasFrame(frame) {
      guard let words = memory.words(in: UInt64(frame)) else { return false }
      for at in 0..<512 where words[at] != naive.words[frame * 512 + at] { return false }
    }
    return true
  }
}

extension NaiveWalker.Format {
  var product: TableRoot.Format {
    switch self {
    case .longMode: .x86
    case .extended: .ept
    case .nested: .npt
    }
  }
}

extension NaiveWalker.Fault {
  func isEqual(to fault: WalkFault) -> Bool {
    fault.stage == (isSecond ? .second : .first) && fault.reason == reason
      && fault.address == address && fault.onTableWalk == onTable && fault.kind == kind
      && fault.code == code && fault.isException == isException && fault.inShadow == inShadow
  }
}
