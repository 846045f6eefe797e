import Testing

@testable import Translation

/// Every combination of the bits that decide on a long-mode page, against the manual's sentences.
///
/// The last two entries of a walk vary; those above allow everything. In the manner of
/// kvm-unit-tests' x86/access.c.
@Suite("Every combination of permission bits in long mode")
struct LongModePermissionTests {
  /// An entry's varying bits, by their places: P, W, U, A, D, PS, a reserved address bit, XD.
  static let leafBits: [UInt64] = [0, 1, 2, 5, 6, 51, 63].map { 1 << $0 }
  static let tableBits: [UInt64] = [0, 1, 2, 5, 7, 51, 63].map { 1 << $0 }

  static func words(_ bits: [UInt64], _ base: UInt64) -> [UInt64] {
    (0..<(1 << bits.count)).map { at in
      bits.indices.reduce(base) { $0 | (at >> $1 & 1 == 1 ? bits[$1] : 0) }
    }
  }

  /// What the manual says of the walk: the page fault's code, or nothing; and the entries afterwards.
  struct Expected: Equatable {
    var code: UInt64?
    var table: UInt64
    var leaf: UInt64
  }

  /// Intel SDM volume 3A, June 2016, "Page-Fault Exceptions", "Determination of Access Rights" and
  /// "Accessed and Dirty Flags".
  static func expected(
    _ table: UInt64, _ leaf: UInt64, _ access: NaiveAccess, _ controls: NaiveControls
  ) -> Expected {
    var expected = Expected(code: nil, table: table, leaf: leaf)
    func reserved(_ entry: UInt64) -> Bool {
      entry >> 51 & 1 == 1 && controls.physicalBits < 52 || entry >> 63 == 1 && !controls.nxe
    }
    func code(present: Bool, reserved: Bool = false, key: Bool = false) -> UInt64 {
      ManualRules.errorCode(present: present, reserved: reserved, key: key, access, controls)
    }
    guard table & 1 == 1 else {
      expected.code = code(present: false)
      return expected
    }
    guard !reserved(table) else {
      expected.code = code(present: true, reserved: true)
      return expected
    }
    let isLarge = table & 0x80 != 0
    var all = table & 6 | (table >> 63) << 63
    if !isLarge {
      expected.table |= 0x20
      guard leaf & 1 == 1 else {
        expected.code = code(present: false)
        return expected
      }
      guard !reserved(leaf) else {
        expected.code = code(present: true, reserved: true)
        return expected
      }
      all = table & leaf & 6 | (table | leaf) & 1 << 63
    }
    let page = ManualRules.Page(
      isUser: all & 4 != 0, isWritable: all & 2 != 0, isExecuteDisabled: all >> 63 == 1,
      key: (isLarge ? table : leaf) >> 59 & 15)
    switch ManualRules.longMode(page, access, controls) {
    case .allowed:
      let flags: UInt64 = access.kind == .write ? 0x60 : 0x20
      if isLarge { expected.table |= flags } else { expected.leaf |= flags }
    case .denied: expected.code = code(present: true)
    case .deniedByKey: expected.code = code(present: true, key: true)
    }
    return expected
  }

  /// Bits of this number switch WP, NXE, SMEP, SMAP and AC.
  @Test("4 KiB and 2 MiB pages, all accesses, all control bits and keys", arguments: 0..<32)
  func all(bits: Int) throws {
    var controls = NaiveControls(
      wp: bits & 1 != 0, nxe: bits & 2 != 0, smep: bits & 4 != 0, smap: bits & 8 != 0,
      ac: bits & 16 != 0, pke: true, pks: true, physicalBits: 51)
    let image = ImageMemory()
    let frames = [1, 2, 3, 4].map { image.memory.addFrame($0) }
    let top = try frames.map { try #require($0) }
    let stages = StageWalk(.x86, nil, image, setsBits: true)
    var context = WalkContext(firstLevels: 4, secondLevels: 0, first: GPA(frame: 1))
    var path = WalkPath()
    var wrong = 0
    // Key 5: nothing, access disabled, writes disabled, for users' and supervisors' pages apart.
    for (pkru, pkrs) in [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)] as [(UInt32, UInt32)] {
      controls.pkru = pkru << 10
      controls.pkrs = pkrs << 10
      context.firstControls = controls.product
      for table in Self.words(Self.tableBits, 4 << 12 | 5 << 59) {
        // A large page must be aligned; its address may be 0.
        let table = table & 0x80 == 0 ? table : table & ~0x1f_f000
        for leaf in Self.words(Self.leafBits, 9 << 12 | 5 << 59) {
          for access in NaiveAccess.all {
            top[0][0] = 2 << 12 | 0x27
            top[1][0] = 3 << 12 | 0x27
            top[2][0] = table
            top[3][0] = leaf
            let outcome = stages.walk(GVA(0), access.product, context, &path)
            var found = Expected(code: nil, table: top[2][0], leaf: top[3][0])
            if case .fault(let fault) = outcome { found.code = fault.code }
            let expected = Self.expected(table, leaf, access, controls)
            guard found != expected else { continue }
            wrong += 1
            guard wrong < 5 else { return }
            Issue.record(
              """
              table 0x\(String(table, radix: 16)) leaf 0x\(String(leaf, radix: 16)) \(access) \
              \(controls): \(found) and not \(expected)
              """)
          }
        }
      }
    }
  }

  @Test("a translation in a TLB is judged as a walk would judge it, under other control bits")
  func hits() throws {
    // A supervisor's read of a user's page under no SMAP; then SMAP goes on.
    let tables = TestTables(firstLevels: 4)
    tables.mapFirst(0x1000)
    guard case .translated(let page) = tables.walk(0x1000).outcome else {
      Issue.record("no translation")
      return
    }
    typealias Native = Walker<X86PageTable, ExtendedPageTable>
    func denial(_ access: NaiveAccess, _ controls: NaiveControls) -> WalkFault.Reason? {
      var context = tables.context
      context.firstControls = controls.product
      return Native.denial(of: access.product, to: page, in: context)?.reason
    }
    for access in NaiveAccess.all {
      for bits in 0..<32 {
        let controls = NaiveControls(
          wp: bits & 1 != 0, smep: bits & 2 != 0, smap: bits & 4 != 0, ac: bits & 8 != 0,
          pke: bits & 16 != 0, pkru: 1)
        let rule = ManualRules.longMode(
          ManualRules.Page(isUser: true, isWritable: true, isExecuteDisabled: false, key: 0),
          access,
          controls)
        let expected: WalkFault.Reason? =
          rule == .allowed ? nil : rule == .denied ? .forbidden : .protectionKey
        #expect(denial(access, controls) == expected, "\(access) \(controls)")
      }
    }
  }
}

/// Every combination of the bits that decide on an EPT page and a nested page.
@Suite("Every combination of permission bits in the second stage")
struct SecondStagePermissionTests {
  /// The host-physical frames: first-stage tables 11 to 14 by the second stage's table at 4 (entries
  /// 11 to 14), and the page's own second-stage entry 20 in a table at 5 of another 2 MiB region.
  private struct Setting {
    let image = ImageMemory()
    let directory: UnsafeMutablePointer<UInt64>
    let last: UnsafeMutablePointer<UInt64>
    let tables: UnsafeMutablePointer<UInt64>
    let leaf: UnsafeMutablePointer<UInt64>
    let usual: UInt64

    init(_ format: NaiveWalker.Format) throws {
      func frame(_ number: UInt64, _ image: ImageMemory) throws -> UnsafeMutablePointer<UInt64> {
        let words = image.memory.addFrame(number)
        return try #require(words)
      }
      usual = format == .extended ? 0x407 : 0x27
      try frame(1, image)[0] = 2 << 12 | usual
      try frame(2, image)[0] = 3 << 12 | usual
      directory = try frame(3, image)
      tables = try frame(4, image)
      last = try frame(5, image)
      directory[0] = 4 << 12 | usual
      for at in 11...14 {
        tables[at] = UInt64(at) << 12 | usual | (format == .extended ? 0x30 : 0x40)
      }
      for number: UInt64 in 11...13 { try frame(number, image)[0] = (number + 1) << 12 | 0x27 }
      leaf = try frame(14, image)
    }
  }

  /// R, W, X, user-execute, PS, a reserved address bit, and bit 3, which is a memory type of a page
  /// and reserved in an entry for a table.
  static let extendedTable: [UInt64] = [0, 1, 2, 10, 7, 51, 3].map { 1 << $0 }
  /// R, W, X, user-execute, accessed, dirty, reserved, suppress #VE and the type's bit 4, which makes
  /// type 6 type 4, or type 0 the reserved 2.
  static let extendedLeaf: [UInt64] = [0, 1, 2, 10, 8, 51, 63, 4].map { 1 << $0 }

  /// Bits of this number switch accessed-dirty, execute-only, mode-based execute and user page.
  @Test("EPT: all accesses and controls", arguments: 0..<16)
  func extended(bits: Int) throws {
    let setting = try Setting(.extended)
    let controls = NaiveControls(
      ad: bits & 1 != 0, executeOnly: bits & 2 != 0, mbec: bits & 4 != 0, advanced: bits & 1 != 0,
      virtualizationException: true, physicalBits: 51)
    let isUser = bits & 8 != 0
    let stages = StageWalk(.x86, .ept, setting.image, setsBits: true)
    var context = WalkContext(
      firstLevels: 4, secondLevels: 4, first: GPA(frame: 11), second: HPA(frame: 1))
    context.secondControls = controls.product
    var path = WalkPath()
    var wrong = 0
    // The page is at guest-physical 2 MiB + 20 pages, writable, and a user's or not.
    let first: UInt64 = 0x20_0000 | 20 << 12 | (isUser ? 0x67 : 0x63)
    for table in LongModePermissionTests.words(Self.extendedTable, 5 << 12) {
      let table = table & 0x80 == 0 ? table : table & ~0x1f_f000
      for leaf in LongModePermissionTests.words(Self.extendedLeaf, 9 << 12) {
        for kind in NaiveAccess.Kind.allCases {
          setting.leaf[0] = first
          setting.directory[1] = table
          setting.last[20] = leaf
          let access = NaiveAccess(kind: kind, mode: isUser ? .user : .explicit)
          let outcome = stages.walk(GVA(0), access.product, context, &path)
          let expected = Self.expected(table, leaf, kind, isUser: isUser, controls)
          var found = Expected(table: setting.directory[1], leaf: setting.last[20])
          if case .fault(let fault) = outcome {
            found.kind = fault.kind
            found.code = fault.code
            found.isException = fault.isException
          }
          guard found != expected else { continue }
          wrong += 1
          guard wrong < 5 else { return }
          Issue.record(
            """
            table 0x\(String(table, radix: 16)) leaf 0x\(String(leaf, radix: 16)) \(kind) user \
            \(isUser) \(controls): \(found) and not \(expected)
            """)
        }
      }
    }
  }

  struct Expected: Equatable {
    var kind: WalkFault.Kind?
    var code: UInt64?
    var isException = false
    var table: UInt64
    var leaf: UInt64

    init(table: UInt64, leaf: UInt64) {
      self.table = table
      self.leaf = leaf
    }
  }

  /// Intel SDM volume 3C, June 2016, "EPT Misconfigurations", "EPT Violations", "Exit Qualification
  /// for EPT Violations" and "Accessed and Dirty Flags for EPT".
  static func expected(
    _ table: UInt64, _ leaf: UInt64, _ kind: NaiveAccess.Kind, isUser: Bool,
    _ controls: NaiveControls
  ) -> Expected {
    var expected = Expected(table: table, leaf: leaf)
    let access: UInt64 = kind == .read ? 1 : kind == .write ? 2 : 4
    // Bits 7 and 8: a linear address, translated. Bits 9 and 10: a user's page, which may be written.
    let final: UInt64 = 0x180 | (controls.advanced ? (isUser ? 0x200 : 0) | 0x400 : 0)
    func violation(_ allowed: UInt64, _ entry: UInt64) -> Expected {
      expected.kind = .eptViolation
      expected.code = access | final | allowed
      expected.isException = entry >> 63 == 0
      return expected
    }
    func isPresent(_ entry: UInt64) -> Bool {
      entry & 7 != 0 || controls.mbec && entry & 0x400 != 0
    }
    guard isPresent(table) else { return violation(0, table) }
    let isLarge = table & 0x80 != 0
    guard !ManualRules.isMisconfigured(table, level: 1, controls) else {
      expected.kind = .eptMisconfiguration
      return expected
    }
    var all = table
    if !isLarge {
      if controls.ad { expected.table |= 0x100 }
      guard isPresent(leaf) else { return violation(0, leaf) }
      guard !ManualRules.isMisconfigured(leaf, level: 0, controls) else {
        expected.kind = .eptMisconfiguration
        return expected
      }
      all &= leaf
    }
    let userBit: UInt64 = controls.mbec ? 0x400 : 4
    let isAllowed =
      kind == .fetch ? all & (isUser ? userBit : 4) != 0 : all & access != 0
    guard isAllowed else {
      let user: UInt64 = controls.mbec && all & 0x400 != 0 ? 0x40 : 0
      return violation((all & 7) << 3 | user, isLarge ? table : leaf)
    }
    if controls.ad {
      let flags: UInt64 = kind == .write ? 0x300 : 0x100
      if isLarge { expected.table |= flags } else { expected.leaf |= flags }
    }
    return expected
  }

  /// P, W, U, PS, reserved, XD of the entry for the table and P, W, U, reserved, XD of the page's.
  @Test("nested tables of AMD's: all accesses, data and tables", arguments: [false, true])
  func nested(nxe: Bool) throws {
    let setting = try Setting(.nested)
    var controls = NaiveControls(nxe: nxe, physicalBits: 51)
    // The host's other bits decide nothing: every nested walk is a user's.
    (controls.wp, controls.smep, controls.smap) = (false, true, true)
    let stages = StageWalk(.x86, .npt, setting.image, setsBits: true)
    var context = WalkContext(
      firstLevels: 4, secondLevels: 4, first: GPA(frame: 11), second: HPA(frame: 1))
    context.secondControls = controls.product
    var path = WalkPath()
    var wrong = 0
    let bits: [UInt64] = [0, 1, 2, 51, 63].map { 1 << $0 }
    for isTable in [false, true] {
      for table in LongModePermissionTests.words(bits, 5 << 12) {
        for leaf in LongModePermissionTests.words(bits, 15 << 12) {
          for access in NaiveAccess.all {
            // The guest's last table, or the page, lies at 2 MiB + 20 pages.
            setting.leaf[0] = isTable ? 0x63 | 11 << 12 : 0x20_0000 | 20 << 12 | 0x67
            context.first = GPA(isTable ? 0x20_0000 | 20 << 12 : 11 << 12)
            setting.directory[1] = table
            setting.last[20] = leaf
            let outcome = stages.walk(GVA(0), access.product, context, &path)
            var code: UInt64?
            var address: UInt64?
            if case .fault(let fault) = outcome, fault.kind == .nestedPageFault {
              (code, address) = (fault.code, fault.address)
            }
            let asked = NaiveAccess(kind: isTable ? .write : access.kind, mode: .user)
            let rule = LongModePermissionTests.expected(table, leaf, asked, controls)
            let expected = rule.code.map { $0 | (isTable ? 1 << 33 : 1 << 32) }
            guard code != expected || expected != nil && address != 0x21_4000 else { continue }
            wrong += 1
            guard wrong < 5 else { return }
            Issue.record(
              """
              table 0x\(String(table, radix: 16)) leaf 0x\(String(leaf, radix: 16)) \(access) \
              nxe \(nxe), on a table \(isTable): \(code as Any) and not \(expected as Any)
              """)
          }
        }
      }
    }
  }
}
