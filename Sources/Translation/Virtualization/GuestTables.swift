import Machine

/// The page tables of every guest and address space of a run, in one host's memory.
///
/// Tables that are synthesised come into being as pages are touched, by the machine's policy; those of
/// an image are as they were recorded. Either way every entry that a walk reads stands in `memory`.
struct GuestTables<First: EditableFormat, Second: EditableFormat>: ~Copyable {
  /// A guest's physical space.
  struct Guest {
    /// Where its second stage begins; 0 in native mode.
    var second = HPA(0)
    fileprivate var frames: FrameAllocator
  }

  /// An address space of a guest.
  struct Space {
    var guest: Int
    var first: GPA
    fileprivate var isBacked = false
  }

  /// What a touch made.
  struct Populated {
    /// The smaller of both stages' pages.
    var reach = PageSize.huge1G
    var first = PageSize.base4K
    /// First-stage tables and the page's own entry.
    var newTables = 0
    var newPage = false
    /// Second-stage pages that were given to the guest.
    var backed = 0
  }

  var memory = PhysicalMemory()
  let firstLevels: Int
  /// 0 in native mode, where a guest-physical address is a host-physical one.
  let secondLevels: Int
  /// What the control registers say of both stages' tables.
  var firstControls = PagingControls.standard
  var secondControls = PagingControls.standard
  private let policy: SynthesisDescription?
  private(set) var guests: [Guest] = []
  private(set) var spaces: [Space] = []
  private var hostFrames: FrameAllocator

  /// Tables of this many frames are 4 GiB, more than any machine at hand should spend on them.
  private static var maximumTableFrames: Int { 1 << 20 }

  /// - Parameters:
  ///   - firstLevels: levels of the first stage's tables.
  ///   - secondLevels: of the second stage's; 0 in native mode.
  ///   - policy: sizes, order and seed; nothing for tables that were recorded.
  init(firstLevels: Int, secondLevels: Int, policy: SynthesisDescription?) {
    self.firstLevels = firstLevels
    self.secondLevels = secondLevels
    self.policy = policy
    hostFrames = FrameAllocator(
      policy: policy?.frames ?? .sequential,
      seed: (policy?.seed ?? 0) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
  }

  /// Adds a guest whose tables are synthesised; nothing where no frame is left.
  mutating func addGuest() -> Int? {
    let seed = (policy?.seed ?? 0) &+ UInt64(guests.count) &* 0x5851_F42D_4C95_7F2D
    var guest = Guest(frames: FrameAllocator(policy: policy?.frames ?? .sequential, seed: seed))
    if secondLevels > 0 {
      guard let frame = takeHostTable() else { return nil }
      guest.second = HPA(frame: frame)
    }
    guests.append(guest)
    return guests.count - 1
  }

  /// Adds an address space whose tables are synthesised; nothing where no frame is left.
  mutating func addSpace(of guest: Int) -> Int? {
    guard let frame = takeGuestFrame(.base4K, guest) else { return nil }
    spaces.append(Space(guest: guest, first: GPA(frame: frame)))
    return spaces.count - 1
  }

  /// Adds a guest whose second stage is in `memory`.
  mutating func addRecordedGuest(second: HPA) -> Int {
    var guest = Guest(frames: FrameAllocator(policy: .sequential, seed: 0))
    guest.second = second
    guests.append(guest)
    return guests.count - 1
  }

  /// Adds an address space whose tables are in `memory`.
  mutating func addRecordedSpace(of guest: Int, first: GPA) -> Int {
    spaces.append(Space(guest: guest, first: first, isBacked: true))
    return spaces.count - 1
  }

  /// Pages are made when they are first touched.
  var isSynthesised: Bool { policy != nil }

  /// Frames handed out for tables and pages.
  var firstStageFrames: Int {
    secondLevels == 0 ? hostFrames.frameCount : guests.reduce(0) { $0 + $1.frames.frameCount }
  }
  /// In native mode the two spaces are one.
  var secondStageFrames: Int { hostFrames.frameCount }

  /// A frame of zeros for a table that the host keeps; nothing where none is left.
  mutating func takeHostTable() -> UInt64? {
    guard let frame = hostFrames.take(.base4K), addTable(frame) else { return nil }
    return frame
  }

  /// A frame of a guest's that holds first-stage entries and is backed.
  mutating func takeBackedTable(of guest: Int) -> GPA? {
    var made = Populated()
    guard let frame = takeGuestFrame(.base4K, guest),
      back(GPA(frame: frame), of: guest, isTable: true, &made) != nil
    else { return nil }
    return GPA(frame: frame)
  }

  private mutating func takeGuestFrame(_ size: PageSize, _ guest: Int) -> UInt64? {
    secondLevels == 0 ? hostFrames.take(size) : guests[guest].frames.take(size)
  }

  private mutating func addTable(_ frame: UInt64) -> Bool {
    memory.frameCount < Self.maximumTableFrames && memory.addFrame(frame) != nil
  }

  /// A few thousand pages more will find frames and memory for tables, whatever they are.
  var hasRoom: Bool {
    memory.frameCount < Self.maximumTableFrames / 4 * 3
      && max(firstStageFrames, secondStageFrames) < 1 << 32
  }

  /// Makes an address translate, from the root's frame down.
  ///
  /// - Parameters:
  ///   - address: canonical.
  ///   - space: that it is of.
  /// - Returns: what was made; nothing where frames or memory for tables are used up.
  mutating func populate(_ address: GVA, in space: Int) -> Populated? {
    guard let policy else { return nil }
    let guest = spaces[space].guest
    var made = Populated()
    if !spaces[space].isBacked {
      guard back(spaces[space].first, of: guest, isTable: true, &made) != nil else { return nil }
      spaces[space].isBacked = true
    }
    var size = Self.size(under: policy.firstStagePage, policy, at: address.rawValue, salt: 1)
    var table = spaces[space].first
    var level = firstLevels - 1
    while level > size.leafLevel {
      guard let entry = entry(in: table, at: address.index(at: level), of: guest)
      else { return nil }
      if entry.pointee == 0 {
        guard let frame = takeGuestFrame(.base4K, guest),
          back(GPA(frame: frame), of: guest, isTable: true, &made) != nil
        else { return nil }
        entry.pointee = First.table(at: frame << 12)
        made.newTables += 1
      } else if First.isLeaf(entry.pointee, level: level) {
        break
      }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
      level -= 1
    }
    guard var leaf = entry(in: table, at: address.index(at: level), of: guest) else { return nil }
    // What was split stays small, whatever the policy.
    while level > 0, leaf.pointee != 0, !First.isLeaf(leaf.pointee, level: level) {
      table = GPA(First.address(in: leaf.pointee, leafLevel: 0))
      level -= 1
      guard let below = entry(in: table, at: address.index(at: level), of: guest)
      else { return nil }
      leaf = below
    }
    size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
    if leaf.pointee == 0 {
      guard let frame = takeGuestFrame(size, guest) else { return nil }
      leaf.pointee = First.leaf(at: frame << 12, level: level)
      made.newPage = true
    }
    let page = First.address(in: leaf.pointee, leafLevel: level)
    let offset = address.rawValue & (1 << size.shift - 1)
    guard let backing = back(GPA(page | offset), of: guest, isTable: false, &made)
    else { return nil }
    made.first = size
    made.reach = min(size, backing)
    return made
  }

  /// The reach that the policy would give an address, for one that has no translation.
  func intendedReach(of address: GVA) -> PageSize {
    guard let policy else { return .base4K }
    let first = Self.size(under: policy.firstStagePage, policy, at: address.rawValue, salt: 1)
    guard secondLevels > 0 else { return first }
    let second = Self.size(under: policy.secondStagePage, policy, at: address.rawValue, salt: 2)
    return min(first, second)
  }

  /// Backs a guest-physical address in the second stage, from the root down.
  ///
  /// Model: a first-stage page that is larger than the second stage's is backed piece by piece, as
  /// its pieces are touched; hypervisors do the same.
  ///
  /// - Returns: the size of the second-stage page; nothing where frames or memory are used up.
  private mutating func back(
    _ address: GPA, of guest: Int, isTable: Bool, _ made: inout Populated
  ) -> PageSize? {
    guard secondLevels > 0, let policy else {
      return !isTable || addTable(address.frame) ? .huge1G : nil
    }
    var size = Self.size(under: policy.secondStagePage, policy, at: address.rawValue, salt: 2)
    var table = guests[guest].second
    var level = secondLevels - 1
    while true {
      guard let words = memory.words(in: table.frame) else { return nil }
      let entry = words + Int(address.index(at: level))
      if entry.pointee != 0, Second.isLeaf(entry.pointee, level: level) || level == 0 { break }
      if entry.pointee == 0 {
        if level <= size.leafLevel { break }
        guard let frame = takeHostTable() else { return nil }
        entry.pointee = Second.table(at: frame << 12)
      }
      table = HPA(Second.address(in: entry.pointee, leafLevel: 0))
      level -= 1
    }
    size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
    guard let words = memory.words(in: table.frame) else { return nil }
    let leaf = words + Int(address.index(at: level))
    if leaf.pointee == 0 {
      guard let frame = hostFrames.take(size) else { return nil }
      leaf.pointee = Second.leaf(at: frame << 12, level: level)
      made.backed += 1
    }
    if isTable {
      let page = Second.address(in: leaf.pointee, leafLevel: level) >> 12
      let frame = page | address.frame & (1 << size.logFrames - 1)
      guard memory.words(in: frame) != nil || addTable(frame) else { return nil }
    }
    return size
  }

  private static func size(
    under pages: PagePolicy, _ policy: SynthesisDescription, at address: UInt64, salt: UInt64
  ) -> PageSize {
    switch pages {
    case .always(let name): return PageSize(name)
    case .transparentHuge(let percent):
      // The same region always draws the same size.
      var draw = (address >> 21) &+ salt &* 0x9E37_79B9_7F4A_7C15 &+ policy.seed
      draw = (draw ^ draw >> 30) &* 0xBF58_476D_1CE4_E5B9
      draw = (draw ^ draw >> 27) &* 0x94D0_49BB_1331_11EB
      draw ^= draw >> 31
      return draw % 100 < UInt64(percent) ? .large2M : .base4K
    }
  }
}
