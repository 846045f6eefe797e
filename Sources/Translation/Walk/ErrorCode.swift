extension WalkFault {
  /// The code with which the hardware reports the fault, where it has one.
  ///
  /// Source: Intel SDM volume 3A, June 2016, "Page-Fault Exceptions", and volume 3C, "Exit
  /// Qualification for EPT Violations"; AMD64 Architecture Programmer's Manual volume 2, 24593,
  /// "Nested versus Guest Page Faults" for bits 32 and 33.
  ///
  /// - Parameters:
  ///   - access: of the instruction.
  ///   - isNested: the second stage's tables are AMD's.
  ///   - allowed: what the second stage's entries allow, for EPT.
  /// - Returns: the page fault's or nested page fault's error code, or the exit qualification.
  func errorCode(_ access: Rights, isNested: Bool, allowed: Rights) -> UInt64? {
    guard reason != .notCanonical, reason != .absent, reason != .outOfFrames else { return nil }
    switch stage {
    case .first: return pageFault(access, isUser: access.contains(.user))
    case .second where isNested:
      // A guest's table walk is a user's write, whatever the instruction does.
      let low = pageFault(onTableWalk ? .write : access, isUser: true)
      return low | 1 << (onTableWalk ? 33 : 32)
    case .second:
      guard reason != .malformed else { return nil }
      let kinds: UInt64 =
        onTableWalk || access.contains(.read) ? 1 : access.contains(.write) ? 2 : 4
      let rights = reason == .notPresent ? 0 : UInt64(allowed.rawValue & 7) << 3
      return kinds | rights | 1 << 7 | (onTableWalk ? 0 : 1 << 8)
    }
  }

  private func pageFault(_ access: Rights, isUser: Bool) -> UInt64 {
    (reason == .notPresent ? 0 : 1) | (access.contains(.write) ? 2 : 0) | (isUser ? 4 : 0)
      | (reason == .malformed ? 8 : 0) | (access.contains(.execute) ? 16 : 0)
  }
}
