import Foundation
import Testing

@Suite("walk")
struct WalkTests {
  /// A sparse image: pages with some of their 8-byte words set.
  private func image(_ pages: [UInt64: [Int: UInt64]]) -> [UInt8] {
    pages.sorted { $0.key < $1.key }.flatMap { address, words -> [UInt8] in
      let page = (0..<512).flatMap { bytes(words[$0] ?? 0) }
      return bytes(address) + page
    }
  }

  private func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// Four levels at 0x1000 to 0x4000.
  ///
  /// Address 0x1000 (index 1 of the last level) is a user's page at
  /// 0x9000 that may be written and not executed; 0x20_0000 (index 1 of level 1) is a global 2 MiB page
  /// of the kernel's at 0x40_0000; the 1 GiB page at 0x4000_0000 (index 1 of level 2) has a reserved
  /// bit.
  private var native: [UInt8] {
    image([
      0x1000: [0: 0x2007], 0x2000: [0: 0x3007, 1: 0x4000_2087], 0x3000: [0: 0x4007, 1: 0x40_0183],
      0x4000: [1: 0x8000_0000_0000_9067],
    ])
  }

  @Test("--all lists every page with its flags and what all levels allow")
  func all() throws {
    let folder = try Folder()
    try folder.write(native, to: "tables.nwsp")
    let outcome = try Nestwalk.run(
      ["walk", "tables.nwsp", "--first", "x86-64:4@0x1000", "--all", "--csv"], in: folder)
    #expect(outcome.status == 0)
    // Bits 63, 8, 7, 6, 5, 4, 3, 2, 1 are XGPDACTUW. The first page has 63, 6, 5, 2, 1; the second
    // 8, 7, 1, and it is the kernel's alone. 0x40_0183 has bit 0 too, which is not shown.
    #expect(
      outcome.text == """
        va,pa,bytes,leaf,effective
        0x1000,0x9000,4096,X--DA--UW,rw-u
        0x200000,0x400000,2097152,-GP-----W,rwx-

        """)
    #expect(outcome.errorLines == ["nestwalk: tables.nwsp: 1 entries are malformed"])
  }

  @Test("an address is walked entry by entry")
  func address() throws {
    let folder = try Folder()
    try folder.write(native, to: "tables.nwsp")
    let text = try Nestwalk.succeed(
      ["walk", "tables.nwsp", "--first", "x86-64:4@0x1000", "--json", "0x1234", "0x2000"],
      in: folder)
    let lines = text.split(separator: "\n")
    #expect(
      lines[0] == """
        {"address":"0x1234","outcome":"translated","output":"0x9234","references":4,\
        "firstBytes":4096,"effective":"rw-u","path":[["first",3,"0x1000","0x2007"],\
        ["first",2,"0x2000","0x3007"],["first",1,"0x3000","0x4007"],\
        ["first",0,"0x4008","0x8000000000009067"]]}
        """)
    #expect(
      lines[1].hasPrefix(
        """
        {"address":"0x2000","outcome":"fault","references":4,"fault":{"stage":"first",\
        "reason":"notPresent","address":"0x2000","onTableWalk":false},"errorCode":"0x0",
        """))
  }

  @Test(
    "permissions are judged with the page fault's error code",
    arguments: [
      // Present 1, write 2, user 4, fetch 16.
      (["--access", "fetch", "--user", "0x1000"], "forbidden", "0x15"),
      (["--access", "store", "--user", "0x200000"], "forbidden", "0x7"),
      (["--access", "load", "0x40000000"], "malformed", "0x9"),
      (["--access", "store", "0x8000"], "notPresent", "0x2"),
    ])
  func permissions(_ arguments: [String], _ reason: String, _ code: String) throws {
    let folder = try Folder()
    try folder.write(native, to: "tables.nwsp")
    let text = try Nestwalk.succeed(
      ["walk", "tables.nwsp", "--first", "x86-64:4@0x1000", "--json"] + arguments, in: folder)
    #expect(text.contains("\"reason\":\"\(reason)\""))
    #expect(text.contains("\"errorCode\":\"\(code)\""))
  }

  /// The guest's root is at guest-physical 0, which the nested root at 0x8000 puts at 0xc000; the
  /// guest's own entry 0 leads to guest-physical 0x5000, which nothing backs.
  @Test("a nested fault on the way to a guest's table says so, with bit 33")
  func nestedFault() throws {
    let folder = try Folder()
    try folder.write(
      image([
        0x8000: [0: 0x9007], 0x9000: [0: 0xa007], 0xa000: [0: 0xb007], 0xb000: [0: 0xc007],
        0xc000: [0: 0x5007],
      ]), to: "tables.nwsp")
    let text = try Nestwalk.succeed(
      [
        "walk", "tables.nwsp", "--first", "x86-64:4@0", "--second", "npt:4@0x8000", "--json",
        "0x4000_0000".replacing("_", with: ""),
      ], in: folder)
    // Four nested entries, the guest's, and four more of which the last is empty. Level 2's entry for
    // 1 GiB is index 1, so 0x5008. Not present, write, user: 6, and bit 33.
    #expect(text.contains("\"references\":9"))
    #expect(
      text.contains(
        "\"fault\":{\"stage\":\"second\",\"reason\":\"notPresent\",\"address\":\"0x5008\","
          + "\"onTableWalk\":true},\"errorCode\":\"0x200000006\""))
  }

  @Test("tables that contain themselves are listed as deep as there are levels, and no deeper")
  func recursive() throws {
    let folder = try Folder()
    // Entry 511 leads back to the table: at the last level it is a page.
    try folder.write(image([0x1000: [511: 0x1003]]), to: "tables.nwsp")
    let text = try Nestwalk.succeed(
      ["walk", "tables.nwsp", "--first", "x86-64:4@0x1000", "--all", "--csv"], in: folder)
    #expect(
      text == "va,pa,bytes,leaf,effective\n0xfffffffffffff000,0x1000,4096,--------W,rwx-\n")
  }

  @Test(
    "what cannot be walked is refused",
    arguments: [
      ["walk", "none.nwsp", "--first", "x86-64:4@0x1000", "0"],
      ["walk", "short.nwsp", "--first", "x86-64:4@0x1000", "0"],
      ["walk", "text.txt", "--first", "x86-64:4@0x1000", "0"],
    ])
  func refused(_ arguments: [String]) throws {
    let folder = try Folder()
    try folder.write(Array(native.dropLast(5)), to: "short.nwsp")
    try folder.write("hello\n", to: "text.txt")
    let outcome = try Nestwalk.run(arguments, in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.hasPrefix("nestwalk: \(arguments[1]): "))
  }

  @Test(
    "wrong usage is 64",
    arguments: [
      ["walk", "x", "--first", "x86-64:3@0", "0"], ["walk", "x", "--first", "x86-64:4@0"],
      ["walk", "x", "--first", "x86-64:4@0", "--all", "0"], ["walk", "x", "0"],
      ["walk", "x", "--first", "x86-64:4@0", "--all", "--csv", "--json"],
    ])
  func usage(_ arguments: [String]) throws {
    #expect(try Nestwalk.run(arguments, in: try Folder()).status == 64)
  }
}
