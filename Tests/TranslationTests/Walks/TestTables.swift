@testable import Translation

/// Tables of both stages built in memory, entry by entry, by the bits of the manuals.
///
/// Every first-stage table and page gets a guest-physical region of 1 GiB of its own, so that each can
/// be backed by a second-stage page of any size.
final class TestTables {
  let image = ImageMemory()
  var context: WalkContext
  private let second: NaiveWalker.Format
  private var nextFrame: UInt64 = 1
  private var nextRegion: UInt64 = 1
  /// Host-physical 1 GiB regions begin above the frames of the second stage's tables.
  private var nextHostRegion: UInt64 = 64
  /// Levels of the second stage's leaves for tables and data, taken in order of need.
  var backing: [Int] = []

  /// - Parameters:
  ///   - firstLevels: of the first stage.
  ///   - second: of the second stage's entries.
  ///   - secondLevels: 0 for none.
  ///   - backing: the level of the leaf under each first-stage table from the root down, and then
  ///     under the page; 0 where there are fewer.
  init(
    firstLevels: Int, second: NaiveWalker.Format = .extended, secondLevels: Int = 0,
    backing: [Int] = []
  ) {
    self.second = second
    self.backing = backing
    context = WalkContext(firstLevels: firstLevels, secondLevels: secondLevels)
    if secondLevels > 0 { context.second = HPA(newFrame()) }
    context.first = GPA(newGuestPage(isTable: true))
  }

  /// The word at a host-physical address.
  subscript(address: UInt64) -> UInt64 {
    get { image.memory.words(in: address >> 12).map { $0[Int(address / 8 % 512)] } ?? 0 }
    set { words(address >> 12)?[Int(address / 8 % 512)] = newValue }
  }

  private func words(_ frame: UInt64) -> UnsafeMutablePointer<UInt64>? {
    image.memory.words(in: frame) ?? image.memory.addFrame(frame)
  }

  /// A frame of host memory for a table of zeros.
  func newFrame() -> UInt64 {
    defer { nextFrame += 1 }
    _ = words(nextFrame)
    return nextFrame << 12
  }

  /// A guest-physical page, backed as `backing` says; in native mode a host frame.
  ///
  /// - Parameters:
  ///   - isTable: memory keeps its contents.
  ///   - size: the level of a leaf that maps it.
  ///   - offset: in the page, of the address that is backed.
  /// - Returns: where it begins.
  func newGuestPage(isTable: Bool, size: Int = 0, offset: UInt64 = 0) -> UInt64 {
    guard context.secondLevels > 0 else { return isTable ? newFrame() : newRegion(&nextHostRegion) }
    let region = newRegion(&nextRegion)
    // Somewhere in the region, so that offsets are more than zero.
    let guest = region | (size == 0 ? 0x1234_5000 : size == 1 ? 0x1220_0000 : 0)
    let leaf = backing.isEmpty ? 0 : backing.removeFirst()
    let host = newRegion(&nextHostRegion) | (guest + offset) & 0x3fff_ffff
    mapSecond(guest + offset, to: host, level: leaf)
    if isTable { _ = words(host >> 12) }
    return guest
  }

  private func newRegion(_ next: inout UInt64) -> UInt64 {
    defer { next += 1 }
    return next << 30
  }

  /// Maps the page of a level that holds an address.
  func mapSecond(_ guest: UInt64, to host: UInt64, level leaf: Int, flags: UInt64? = nil) {
    var table = context.second.rawValue
    for level in (0..<context.secondLevels).reversed() {
      let place = table + guest >> UInt64(12 + 9 * level) % 512 * 8
      if level == leaf {
        let base = host - host % (1 << UInt64(12 + 9 * level))
        let usual: UInt64 = second == .extended ? 0x37 : 0x67
        self[place] = base | (flags ?? usual) | (level > 0 ? 0x80 : 0)
        return
      }
      if self[place] == 0 { self[place] = newFrame() | 7 }
      table = self[place] & 0x000f_ffff_ffff_f000
    }
  }

  /// Where a guest-physical address lies, by the tables' addresses.
  func host(_ guest: UInt64) -> UInt64 {
    guard context.secondLevels > 0 else { return guest }
    var table = context.second.rawValue
    for level in (0..<context.secondLevels).reversed() {
      let entry = self[table + guest >> UInt64(12 + 9 * level) % 512 * 8]
      let size: UInt64 = 1 << UInt64(12 + 9 * level)
      if level == 0 || entry & 0x80 != 0 {
        return (entry & 0x000f_ffff_ffff_f000) / size * size + guest % size
      }
      table = entry & 0x000f_ffff_ffff_f000
    }
    return 0
  }

  /// Maps an address to a new guest page of a size, with all its tables.
  ///
  /// - Returns: the host-physical places of the entries, from the root's down.
  @discardableResult
  func mapFirst(_ address: UInt64, size: Int = 0, flags: UInt64 = 0x67) -> [UInt64] {
    var table = context.first.rawValue
    var places: [UInt64] = []
    for level in (0..<context.firstLevels).reversed() {
      let place = host(table) + address >> UInt64(12 + 9 * level) % 512 * 8
      places.append(place)
      if level == size {
        let offset = address % (1 << UInt64(12 + 9 * size))
        let page = newGuestPage(isTable: false, size: size, offset: offset)
        self[place] = page | flags | (size > 0 ? 0x80 : 0)
        break
      }
      if self[place] == 0 { self[place] = newGuestPage(isTable: true) | 0x27 }
      table = self[place] & 0x000f_ffff_ffff_f000
    }
    return places
  }

  /// Walks, by a walker without caches or by the one that is given.
  func walk(
    _ address: UInt64, _ access: Rights = .read, by stages: StageWalk? = nil
  ) -> (outcome: WalkOutcome, count: Int) {
    let stages = stages ?? StageWalk(.x86, second.product, image, setsBits: true)
    var path = WalkPath()
    let outcome = stages.walk(GVA(address), access, context, &path)
    return (outcome, path.count)
  }

  /// The fault of a walk.
  func fault(_ address: UInt64, _ access: Rights = .read) -> WalkFault? {
    if case .fault(let fault) = walk(address, access).outcome { fault } else { nil }
  }

  /// The place of the second stage's entry of a level on an address's way.
  func secondPlace(_ guest: UInt64, level wanted: Int = 0) -> UInt64 {
    var table = context.second.rawValue
    for level in (0..<context.secondLevels).reversed() {
      let place = table + guest >> UInt64(12 + 9 * level) % 512 * 8
      if level == wanted { return place }
      table = self[place] & 0x000f_ffff_ffff_f000
    }
    return 0
  }
}
