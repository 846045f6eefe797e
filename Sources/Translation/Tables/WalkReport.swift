/// One walk through an image, for people and scripts.
public struct WalkReport: Sendable, Equatable {
  /// One table entry that was read.
  public struct Reference: Sendable, Equatable {
    /// `first` or `second`.
    public var stage: String
    /// Of the table that the entry stands in; 0 is the last.
    public var level: Int
    /// Host-physical, of the entry.
    public var address: UInt64
    /// The entry.
    public var value: UInt64
  }

  /// Why a walk ended without an address.
  public struct Fault: Sendable, Equatable {
    /// `first` or `second`.
    public var stage: String
    /// Such as `notPresent`.
    public var reason: String
    /// Guest-virtual for the first stage, guest-physical for the second.
    public var address: UInt64
    /// The second stage failed on the way to a first-stage table.
    public var onTableWalk: Bool
    /// The hardware's code for it, where it has one.
    public var errorCode: UInt64?
    /// The exception or exit, such as `pageFault` or `eptViolation`; nothing where it is the image
    /// that has no more.
    public var raises: String?
  }

  /// What was walked.
  public var address: UInt64
  /// In order.
  public var path: [Reference]
  /// Host-physical; absent where the walk faulted.
  public var output: UInt64?
  /// Sizes of both stages' pages in bytes; the second is absent without a second stage.
  public var firstBytes: UInt64?
  /// As `firstBytes`.
  public var secondBytes: UInt64?
  /// What all entries allow, as `rwxu` with `-` where they do not.
  public var effective: String?
  /// The first stage's leaf is global.
  public var isGlobal = false
  /// The first stage's leaf has this protection key.
  public var protectionKey = 0
  /// Of an EPT leaf: UC, WC, WT, WP or WB.
  public var memoryType: String?
  /// The EPT leaf's type stands whatever the guest's PAT says.
  public var ignoresPAT = false
  /// Absent where the walk succeeded.
  public var fault: Fault?
}

/// One page that an image's tables map.
public struct LeafReport: Sendable, Equatable {
  /// Virtual address of the page.
  public var address: UInt64
  /// Physical address of the page.
  public var output: UInt64
  /// The page's size; with two stages the smaller of both.
  public var bytes: UInt64
  /// The first stage's leaf entry.
  public var entry: UInt64
  /// What all entries allow, as `rwxu` with `-` where they do not.
  public var effective: String

  /// The leaf entry's own bits 63, 8, 7, 6, 5, 4, 3, 2 and 1 as `XGPDACTUW`, with `-` where clear.
  public var flags: String {
    var text = ""
    for (bit, letter) in zip([63, 8, 7, 6, 5, 4, 3, 2, 1] as [UInt64], "XGPDACTUW") {
      text.append(entry >> bit & 1 == 1 ? letter : "-")
    }
    return text
  }
}

/// What enumerating an image's tables met besides leaves.
public struct LeafSummary: Sendable, Equatable {
  /// Pages reported.
  public var leaves = 0
  /// Present entries that the architecture forbids.
  public var malformed = 0
  /// Tables that the image does not hold.
  public var absentTables = 0
  /// First-stage pages, or parts of them, that the second stage does not map.
  public var unbacked = 0
}

extension Rights {
  /// As `rwxu`, with `-` where a right is missing.
  var text: String {
    String(
      zip([Rights.read, .write, .execute, .user], "rwxu").map { contains($0) ? $1 : "-" })
  }
}
