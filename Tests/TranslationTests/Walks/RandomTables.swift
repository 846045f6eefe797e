import Machine

@testable import Translation

/// Formats, levels and start of one differential run.
struct WalkShape: Sendable, CustomStringConvertible {
  var first: NaiveWalker.Format
  var firstLevels: Int
  var second: NaiveWalker.Format?
  var secondLevels = 0
  var start = WalkContext.Start.guest

  var description: String {
    let under = second.map { " over \($0):\(secondLevels)" } ?? ""
    return "\(first):\(firstLevels)\(under), from \(start)"
  }

  static let all: [WalkShape] = [
    WalkShape(first: .longMode, firstLevels: 4), WalkShape(first: .longMode, firstLevels: 5),
    WalkShape(first: .extended, firstLevels: 4), WalkShape(first: .nested, firstLevels: 4),
    WalkShape(first: .longMode, firstLevels: 4, second: .extended, secondLevels: 4),
    WalkShape(first: .longMode, firstLevels: 5, second: .extended, secondLevels: 4),
    WalkShape(first: .longMode, firstLevels: 4, second: .extended, secondLevels: 5),
    WalkShape(first: .longMode, firstLevels: 5, second: .extended, secondLevels: 5),
    WalkShape(first: .longMode, firstLevels: 4, second: .nested, secondLevels: 4),
    WalkShape(first: .longMode, firstLevels: 5, second: .nested, secondLevels: 5),
    WalkShape(first: .longMode, firstLevels: 4, second: .longMode, secondLevels: 4),
    WalkShape(first: .longMode, firstLevels: 4, second: .extended, secondLevels: 4, start: .shadow),
    WalkShape(first: .longMode, firstLevels: 5, second: .nested, secondLevels: 4, start: .shadow),
    WalkShape(
      first: .longMode, firstLevels: 4, second: .extended, secondLevels: 4, start: .guestAtHost),
  ]
}

/// Tables of both stages filled at random: mostly sound, with leaves of every size, missing entries,
/// reserved bits and permissions of every kind among them.
struct RandomTables {
  let naive: NaiveWalker
  let context: WalkContext
  let image = ImageMemory()
  let shape: WalkShape
  private var random: SeededGenerator

  // 32 MiB of host memory: second-stage tables in frames 1 to 63, first-stage tables in 64 to 511,
  // shadow tables in 512 to 575, the rest data.
  static let frames = 8192
  private static let secondFrames = 1..<64
  private static let firstFrames = 64..<512
  private static let shadowFrames = 512..<576

  init(_ shape: WalkShape, seed: UInt64) {
    var random = SeededGenerator(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
    let first = NaiveWalker.Stage(
      format: shape.first, levels: shape.firstLevels, root: 0,
      controls: Self.controls(&random))
    let second = shape.second.map { format in
      var controls = Self.controls(&random)
      // No second stage has keys.
      (controls.pke, controls.pks) = (false, false)
      return NaiveWalker.Stage(
        format: format, levels: shape.secondLevels,
        root: UInt64(Self.frame(Self.secondFrames, shape.secondLevels - 1, 0)) << 12,
        controls: controls)
    }
    // The guest's root: any address whose frame holds a table of the highest level.
    let top = shape.firstLevels - 1
    let scratch = NaiveWalker(frames: Self.frames, first: first, second: second)
    Self.fillSecond(scratch, second, &random)
    var guests = Self.guestTables(scratch, shape, second, &random)
    var root = guests[top].randomElement(using: &random) ?? 0
    switch shape.start {
    case .guest: break
    case .guestAtHost: root = UInt64(Self.frame(Self.firstFrames, top, 0)) << 12
    case .shadow: root = UInt64(Self.frame(Self.shadowFrames, top, 0)) << 12
    }
    if second == nil { guests = Self.hostTables(Self.firstFrames, levels: shape.firstLevels) }
    var stage = first
    stage.root = second == nil ? guests[top][0] : root
    let naive = NaiveWalker(
      frames: Self.frames, first: stage, second: second, start: shape.start)
    self.naive = naive
    for frame in Self.secondFrames where scratch.hasFrame(frame) {
      for at in 0..<512 {
        let place = UInt64(frame) << 12 + UInt64(at) * 8
        naive[place] = scratch[place]
      }
    }
    Self.fillFirst(naive, first, guests, &random)
    if shape.start == .shadow { Self.fillShadow(naive, first, &random) }
    for frame in 0..<Self.frames where naive.hasFrame(frame) {
      guard let words = image.memory.addFrame(UInt64(frame)) else { continue }
      for at in 0..<512 { words[at] = naive[UInt64(frame) << 12 + UInt64(at) * 8] }
    }
    context = WalkContext(
      firstLevels: shape.firstLevels, secondLevels: shape.secondLevels, first: GPA(stage.root),
      second: HPA(second?.root ?? 0), start: shape.start,
      firstControls: first.controls.product,
      secondControls: second?.controls.product ?? .standard)
    self.shape = shape
    self.random = random
  }

  /// Control registers at random, the usual ones more often.
  private static func controls(_ random: inout SeededGenerator) -> NaiveControls {
    func often() -> Bool { Int.random(in: 0..<4, using: &random) > 0 }
    func evenly() -> Bool { Bool.random(using: &random) }
    return NaiveControls(
      wp: often(), nxe: often(), smep: evenly(), smap: evenly(), ac: evenly(), pke: evenly(),
      pks: evenly(), hugePages: often(), amdReserved: evenly(), ad: evenly(),
      executeOnly: often(), mbec: evenly(), advanced: evenly(), virtualizationException: evenly(),
      physicalBits: [36, 40, 46, 52].randomElement(using: &random) ?? 52,
      pkru: UInt32.random(in: 0 ... .max, using: &random) & 0x1111_2222,
      pkrs: UInt32.random(in: 0 ... .max, using: &random) & 0x2222_1111)
  }

  /// The frames of a range that hold tables of a level are every eighth, from the level on.
  private static func frame(_ range: Range<Int>, _ level: Int, _ number: Int) -> Int {
    range.lowerBound + 8 * number + level
  }

  private static func hostTables(_ range: Range<Int>, levels: Int) -> [[UInt64]] {
    (0..<levels).map { level in
      (0..<4).map { UInt64(frame(range, level, $0)) << 12 }
    }
  }

  /// Guest-physical addresses by the level of the table that lies there.
  private static func guestTables(
    _ scratch: NaiveWalker, _ shape: WalkShape, _ second: NaiveWalker.Stage?,
    _ random: inout SeededGenerator
  ) -> [[UInt64]] {
    guard let second else { return hostTables(firstFrames, levels: shape.firstLevels) }
    var found: [[UInt64]] = Array(repeating: [], count: shape.firstLevels)
    // Addresses below 2^36, so that entries for them are sound whatever the physical width.
    for _ in 0..<200_000 where found.contains(where: { $0.count < 6 }) {
      let address = UInt64.random(in: 0..<1 << 24, using: &random) << 12
      guard let frame = resolve(address, scratch, second), firstFrames.contains(frame) else {
        continue
      }
      let level = (frame - firstFrames.lowerBound) % 8
      if level < shape.firstLevels, found[level].count < 6 { found[level].append(address) }
    }
    return found.map { $0.isEmpty ? [0x1000] : $0 }
  }

  /// The frame of a guest-physical address by the entries' addresses alone.
  private static func resolve(
    _ address: UInt64, _ scratch: NaiveWalker, _ second: NaiveWalker.Stage
  ) -> Int? {
    var table = second.root
    for level in (0..<second.levels).reversed() {
      let entry = scratch[table + address >> UInt64(12 + 9 * level) % 512 * 8]
      let frame = entry & 0x000f_ffff_ffff_f000
      if level == 0 || entry & 0x80 != 0 {
        let offset = address % (1 << UInt64(12 + 9 * level))
        return Int((frame | offset) >> 12 % (1 << 40))
      }
      guard frame >> 12 < UInt64(frames), scratch.hasFrame(Int(frame >> 12)) else { return nil }
      table = frame
    }
    return nil
  }

  private static func fillSecond(
    _ naive: NaiveWalker, _ second: NaiveWalker.Stage?, _ random: inout SeededGenerator
  ) {
    guard let second else { return }
    for level in 0..<second.levels {
      for number in 0..<3 {
        let table = UInt64(frame(secondFrames, level, number)) << 12
        for at in 0..<512 {
          naive[table + UInt64(at) * 8] = entry(
            second, level, table: { UInt64(frame(secondFrames, level - 1, $0 % 3)) << 12 },
            page: { random in
              level == 0
                ? UInt64(Int.random(in: firstFrames, using: &random)) << 12
                : UInt64.random(in: 0..<2, using: &random) << UInt64(12 + 9 * level)
            }, &random)
        }
      }
    }
  }

  private static func fillFirst(
    _ naive: NaiveWalker, _ first: NaiveWalker.Stage, _ guests: [[UInt64]],
    _ random: inout SeededGenerator
  ) {
    for frame in firstFrames {
      let level = (frame - firstFrames.lowerBound) % 8
      guard level < first.levels else { continue }
      for at in 0..<512 {
        naive[UInt64(frame) << 12 + UInt64(at) * 8] = entry(
          first, level, table: { guests[level - 1][$0 % guests[level - 1].count] },
          page: { random in
            aligned(UInt64.random(in: 0..<1 << 36, using: &random), level)
          }, &random)
      }
    }
  }

  private static func fillShadow(
    _ naive: NaiveWalker, _ first: NaiveWalker.Stage, _ random: inout SeededGenerator
  ) {
    for level in 0..<first.levels {
      for number in 0..<4 {
        let table = UInt64(frame(shadowFrames, level, number)) << 12
        for at in 0..<512 {
          let goesToGuest = Int.random(in: 0..<3, using: &random) == 0
          var word = entry(
            first, level,
            table: {
              UInt64(frame(goesToGuest ? firstFrames : shadowFrames, level - 1, $0 % 4)) << 12
            },
            page: { random in
              aligned(UInt64.random(in: 0..<1 << 36, using: &random), level)
            }, &random)
          word = goesToGuest ? word | 0x200 : word & ~0x200
          naive[table + UInt64(at) * 8] = word
        }
      }
    }
  }

  private static func aligned(_ address: UInt64, _ level: Int) -> UInt64 {
    address - address % (1 << UInt64(12 + 9 * level))
  }

  /// An entry that a walk goes on from nine times in ten and more.
  private static func entry(
    _ stage: NaiveWalker.Stage, _ level: Int, table: (Int) -> UInt64,
    page: (inout SeededGenerator) -> UInt64, _ random: inout SeededGenerator
  ) -> UInt64 {
    func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
    let isLarge = (level == 1 || level == 2) && oneIn(6)
    let isPage = level == 0 || isLarge
    var word = isPage ? page(&random) : table(Int.random(in: 0..<64, using: &random))
    if isLarge { word |= 0x80 }
    if stage.format == .extended {
      word |= 0x407
      // Types UC, WC, WT, WP and, more often, WB; once with the PAT ignored.
      let types: [UInt64] = [0x30, 0x30, 0x30, 0, 8, 0x20, 0x28, 0x70]
      if isPage { word |= types.randomElement(using: &random) ?? 0 }
      if oneIn(40) { word = word & ~7 | UInt64.random(in: 0..<8, using: &random) }
      if oneIn(40) { word &= ~0x400 }
      if oneIn(200) { word |= UInt64.random(in: 0..<16, using: &random) << 3 }
      if oneIn(8) { word |= 1 << 63 }
      if oneIn(3) { word |= 0x100 }
      if oneIn(3) { word |= 0x200 }
    } else {
      word |= 7
      if oneIn(60) { word &= ~1 }
      if oneIn(30) { word &= ~2 }
      if oneIn(stage.format == .nested ? 100 : 12) { word &= ~4 }
      if oneIn(40) { word |= 1 << 63 }
      if oneIn(2) { word |= 0x20 }
      if oneIn(2) { word |= 0x40 }
      if oneIn(4), isPage { word |= 0x100 }
      if oneIn(200) { word |= 0x180 }
      if isPage { word |= UInt64.random(in: 0..<16, using: &random) << 59 }
      word |= UInt64.random(in: 0..<4, using: &random) << 3
    }
    if oneIn(150) { word |= 1 << UInt64.random(in: 12..<52, using: &random) }
    if oneIn(100) { word = 0 }
    return word
  }

  /// An address that the tables may have something for, now and then one that no table has.
  mutating func address() -> UInt64 {
    let bits = UInt64(12 + 9 * shape.firstLevels)
    var address = random.next() & (1 << bits - 1)
    let draw = random.next() % 256
    if draw == 0 { return random.next() }
    // The lower half, or sign-extended; tables are dense, so that every index has an entry.
    if shape.first == .longMode, address >> (bits - 1) != 0 { address |= ~0 << bits }
    return address
  }

  mutating func access() -> NaiveAccess {
    let all = NaiveAccess.all
    return all[Int(random.next() % UInt64(all.count))]
  }
}
