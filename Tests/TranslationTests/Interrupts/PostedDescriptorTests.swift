import Testing

@testable import Translation

/// Intel VT-d specification, "Interrupt-Posting Hardware Operation"; Linux 6.12
/// arch/x86/kvm/vmx/posted_intr.c for the hypervisor's side.
@Suite("Posted-interrupt descriptors")
struct PostedDescriptorTests {
  @Test("every state of ON, SN, URG and the request bit, against the specification's words")
  func post() {
    for bits in 0..<16 {
      let (on, sn, urgent, waiting) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0)
      for vector: UInt8 in [0, 31, 32, 63, 64, 127, 128, 200, 255] {
        var descriptor = PostedDescriptor()
        if waiting {
          _ = descriptor.post(vector, isUrgent: true)
          descriptor.control.isOutstanding = false
        }
        descriptor.control.isOutstanding = on
        descriptor.control.isSuppressed = sn
        let post = descriptor.post(vector, isUrgent: urgent)
        // "If ON is clear, and URG is set or SN is clear: set ON and send the notification."
        let notified = !on && (urgent || !sn)
        #expect(post.isNotified == notified)
        #expect(post.isMerged == waiting)
        #expect(descriptor.control.isOutstanding == (on || notified))
        #expect(descriptor.control.isSuppressed == sn)
        #expect(descriptor.has(vector))
      }
    }
  }

  @Test("vectors are taken from the highest, each once")
  func take() {
    var descriptor = PostedDescriptor()
    let vectors: [UInt8] = [32, 255, 64, 63, 0, 128, 127]
    for vector in vectors + vectors { _ = descriptor.post(vector, isUrgent: false) }
    var taken: [UInt8] = []
    while let vector = descriptor.take() { taken.append(vector) }
    #expect(taken == [255, 128, 127, 64, 63, 32, 0])
    #expect(descriptor.isEmpty)
  }

  @Test("NDST is in bits 15:8 of its field with xAPIC, and all of it with x2APIC")
  func destination() {
    // Linux: `new.ndst = (dest << 8) & 0xFF00`, bits 319:288 of the descriptor.
    var control = PostedControl()
    control.setCore(5, isExtended: false)
    #expect(control.rawValue == 0x0500 << 32)
    #expect(control.core(isExtended: false) == 5)
    control.setCore(0x12345, isExtended: true)
    #expect(control.rawValue == 0x12345 << 32)
    #expect(control.core(isExtended: true) == 0x12345)
  }

  static let contract = PostedContract(notification: 0xf2, wakeup: 0xf1, isExtended: true)

  static let activities: [PostedContract.Activity] = [
    .running(core: 0), .running(core: 1), .preempted, .blocked(core: 0), .blocked(core: 1),
  ]

  @Test("every transition leaves the descriptor as the contract wants it")
  func transitions() {
    for first in Self.activities {
      for second in Self.activities {
        for third in Self.activities {
          for posts in 0..<4 {
            var descriptor = PostedDescriptor()
            Self.contract.update(&descriptor, for: first)
            if posts & 1 != 0 { _ = descriptor.post(40, isUrgent: false) }
            Self.contract.update(&descriptor, for: second)
            if posts & 2 != 0 { _ = descriptor.post(41, isUrgent: false) }
            Self.contract.update(&descriptor, for: third)
            // A preempted virtual processor keeps the vector and core that it had.
            #expect(Self.contract.breach(descriptor.control, third) == .none)
            #expect(descriptor.has(40) == (posts & 1 != 0))
            // Software may not lose what hardware has notified.
            if case .running = third, posts != 0 {
              #expect(descriptor.control.isOutstanding)
            }
          }
        }
      }
    }
  }

  /// The contract in words: what a hypervisor's control word must be for an activity.
  static func isKept(
    core: UInt32, suppressed: Bool, vector: UInt8, _ activity: PostedContract.Activity
  ) -> Bool {
    switch activity {
    case .running(let runs): !suppressed && vector == 0xf2 && core == runs
    case .preempted: suppressed
    case .blocked(let waits): !suppressed && vector == 0xf1 && core == waits
    }
  }

  @Test("every control word is judged against every activity")
  func breaches() {
    var seen: Set<PostedContract.Breach> = []
    for core: UInt32 in [0, 1, 2] {
      for suppressed in [false, true] {
        for vector: UInt8 in [0xf1, 0xf2, 0] {
          for outstanding in [false, true] {
            var control = PostedControl()
            control.setCore(core, isExtended: true)
            control.isSuppressed = suppressed
            control.notificationVector = vector
            control.isOutstanding = outstanding
            for activity in Self.activities {
              let breach = Self.contract.breach(control, activity)
              seen.insert(breach)
              #expect(
                (breach == .none)
                  == Self.isKept(
                    core: core, suppressed: suppressed, vector: vector, activity))
            }
          }
        }
      }
    }
    // Blocking with requests is judged when it blocks, and not from the control word.
    #expect(seen == Set(PostedContract.Breach.allCases).subtracting([.blockedWithRequests]))
  }
}
