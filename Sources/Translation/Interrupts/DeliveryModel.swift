import Machine

/// How interrupts reach virtual processors: by notification, by doorbell, or by the host.
///
/// Model: lowest-priority and logical destinations of several cores go to the lowest-numbered one;
/// core n has APIC id n and, where ids are logical, bit n mod 16 of cluster n / 16 (bit n of 8 with
/// xAPIC's flat mode).
struct DeliveryModel: ~Copyable {
  private let costs: InterruptCosts
  private let contract: PostedContract
  let isAMD: Bool
  var isExtended: Bool

  init(_ machine: InterruptDescription, isAMD: Bool) {
    costs = machine.costs
    isExtended = machine.start.isExtended
    self.isAMD = isAMD
    contract = PostedContract(
      notification: UInt8(machine.vectors.notification), wakeup: UInt8(machine.vectors.wakeup),
      isExtended: machine.start.isExtended)
  }

  /// The contract, with destinations as the unit's register now has them.
  @inline(__always)
  private var current: PostedContract {
    PostedContract(
      notification: contract.notification, wakeup: contract.wakeup, isExtended: isExtended)
  }

  /// The core of a destination.
  @inline(__always)
  func core(of request: InterruptRequest) -> UInt32 {
    guard request.isLogical else {
      return isBroadcast(request) ? 0 : request.destination
    }
    let bits = isExtended ? request.destination & 0xffff : request.destination & 0xff
    guard bits != 0 else { return Delivery.noCore }
    return (isExtended ? request.destination >> 16 * 16 : 0) + UInt32(bits.trailingZeroBitCount)
  }

  /// All ones name every core.
  ///
  /// Source: Intel SDM volume 3, "Physical Destination Mode": FFh, and FFFF_FFFFh in x2APIC mode.
  @inline(__always)
  private func isBroadcast(_ request: InterruptRequest) -> Bool {
    request.destination == (isExtended ? .max : 0xff)
  }

  /// Whether several cores may take a message.
  @inline(__always)
  func hasSeveralCores(_ request: InterruptRequest) -> Bool {
    guard request.isLogical else { return isBroadcast(request) }
    let bits = isExtended ? request.destination & 0xffff : request.destination & 0xff
    return bits & (bits &- 1) != 0
  }

  // MARK: The hypervisor's side

  /// Writes what the contract asks for, unless the trace shows what was written.
  func update(_ processor: inout InterruptTarget) {
    if !processor.isRecorded && !isAMD {
      current.update(&processor.descriptor, for: processor.activity)
    }
  }

  // MARK: Posting

  /// Posts by a descriptor in memory.
  ///
  /// - Parameters:
  ///   - vector: to post.
  ///   - isUrgent: even suppressed notifications are sent.
  ///   - place: of the virtual processor.
  ///   - all: the virtual processors.
  /// - Returns: where it ended; the waiting vectors of those that were told are not yet taken.
  @inline(__always)
  func post(
    _ vector: UInt8, isUrgent: Bool, to place: Int, _ all: borrowing InterruptTargets
  ) -> Delivery {
    let before = all[place].descriptor.control
    let activity = all[place].activity
    let post = all[place].descriptor.post(vector, isUrgent: isUrgent)
    let breach = all[place].isRecorded ? current.breach(before, activity) : .none
    var delivery = Delivery(.pending)
    delivery.processor = place
    delivery.isMerged = post.isMerged
    delivery.nanoseconds = costs.postNanoseconds
    guard post.isNotified else {
      // An outstanding notification is what was not delivered, and was judged when it was sent.
      if !before.isOutstanding, !post.isMerged {
        switch breach {
        case .suppressedWhileRunning, .suppressedWhileBlocked:
          delivery.breach = breach
          delivery.defect = .lostNotification
        default: break
        }
      }
      return delivery
    }
    let core = before.core(isExtended: isExtended)
    delivery.core = core
    delivery.breach = breach
    delivery.nanoseconds += costs.deliveryNanoseconds
    let guestThere = all.inGuest(on: core)
    if before.notificationVector == contract.notification {
      if guestThere == place {
        delivery.result = .direct
        return delivery
      }
      if let guestThere { delivery.disturbed = guestThere }
    } else if let guestThere {
      // Any other vector is an interrupt of the host: an exit of whoever runs there.
      delivery.exits = 1
      delivery.nanoseconds += costs.exitNanoseconds
      delivery.hostNanoseconds += costs.exitNanoseconds
      if guestThere != place { delivery.disturbed = guestThere }
    }
    switch breach {
    case .none, .blockedWithRequests: break
    case .wrongCore:
      delivery.result = .misdelivered
      delivery.defect = .wrongCore
    case .notWokenWhileBlocked, .wrongCoreWhileBlocked: delivery.defect = .lostNotification
    case .wakeupWhileRunning, .notifiedWhilePreempted: delivery.defect = .spuriousNotification
    // Sent all the same, because it is urgent.
    case .suppressedWhileRunning, .suppressedWhileBlocked: break
    }
    if case .blocked(core) = activity, before.notificationVector == contract.wakeup {
      delivery.nanoseconds += costs.wakeupNanoseconds
    }
    return delivery
  }

  /// Posts by an entry of AMD-Vi in guest mode, which holds what VT-d keeps in the descriptor.
  ///
  /// Source: AMD I/O Virtualization Technology (IOMMU) Specification, 48882, "Guest Virtual APIC
  /// Interrupt Controller": with IsRun a doorbell goes to the destination, without it the interrupt is
  /// logged if GALogIntr asks for that.
  ///
  /// Model: the guest log is never full.
  func ring(
    _ outcome: InterruptOutcome, isLogged: Bool, to place: Int, _ all: borrowing InterruptTargets
  ) -> Delivery {
    let logs = outcome.isUrgent && isLogged
    let isRunning = outcome.entry.low.has(AMDViGuestEntryLow.isRunning)
    let activity = all[place].activity
    let post = all[place].descriptor.post(outcome.request.vector, isUrgent: true)
    // The backing page has no notification bit: a doorbell or log entry goes out each time.
    all[place].descriptor.control.isOutstanding = false
    var delivery = Delivery(.pending)
    delivery.processor = place
    delivery.isMerged = post.isMerged
    delivery.nanoseconds = costs.postNanoseconds
    if isRunning {
      delivery.core = outcome.request.destination
      delivery.nanoseconds += costs.deliveryNanoseconds
      switch activity {
      case .running(let core):
        if core == delivery.core {
          if all[place].isInGuest { delivery.result = .direct }
        } else {
          (delivery.result, delivery.defect) = (.misdelivered, .wrongCore)
          delivery.breach = .wrongCore
        }
      case .blocked:
        (delivery.defect, delivery.breach) = (.lostNotification, .notWokenWhileBlocked)
      case .preempted:
        (delivery.defect, delivery.breach) = (.spuriousNotification, .notifiedWhilePreempted)
      }
      return delivery
    }
    delivery.isLogged = logs
    switch activity {
    case .running where !post.isMerged:
      (delivery.defect, delivery.breach) = (.lostNotification, .suppressedWhileRunning)
    case .blocked where logs:
      // The log entry interrupts the host, which wakes it.
      delivery.nanoseconds += costs.deliveryNanoseconds + costs.wakeupNanoseconds
    case .blocked where !post.isMerged:
      (delivery.defect, delivery.breach) = (.lostNotification, .suppressedWhileBlocked)
    default: break
    }
    return delivery
  }

  // MARK: By the host

  /// An interrupt of the host for one of its own devices.
  func interruptHost(_ core: UInt32, _ all: borrowing InterruptTargets) -> Delivery {
    var delivery = Delivery(core < all.cores ? .host : .unknown)
    delivery.core = core
    delivery.nanoseconds = costs.deliveryNanoseconds
    if let there = all.inGuest(on: core) {
      delivery.disturbed = there
      delivery.exits = 1
      delivery.nanoseconds += costs.exitNanoseconds
      delivery.hostNanoseconds += costs.exitNanoseconds
    }
    return delivery
  }

  /// An interrupt that the host takes and injects into a virtual processor.
  func inject(
    _ vector: UInt8, by core: UInt32, into place: Int, _ all: borrowing InterruptTargets
  ) -> Delivery {
    var delivery = interruptHost(core, all)
    delivery.processor = place
    if delivery.disturbed == place { delivery.disturbed = -1 }
    delivery.nanoseconds += costs.injectionNanoseconds
    delivery.hostNanoseconds += costs.injectionNanoseconds
    if let runs = all[place].core {
      delivery.result = .injected
      if runs != core {
        delivery.isForwarded = true
        delivery.nanoseconds += costs.forwardNanoseconds
        delivery.hostNanoseconds += costs.forwardNanoseconds
        if all[place].isInGuest {
          delivery.exits += 1
          delivery.nanoseconds += costs.exitNanoseconds
          delivery.hostNanoseconds += costs.exitNanoseconds
        }
      }
      return delivery
    }
    delivery.result = .pending
    // Injected at the next entry: it waits as a posted one does.
    delivery.isMerged = all[place].descriptor.post(vector, isUrgent: true).isMerged
    if case .blocked = all[place].activity { delivery.nanoseconds += costs.wakeupNanoseconds }
    return delivery
  }
}
