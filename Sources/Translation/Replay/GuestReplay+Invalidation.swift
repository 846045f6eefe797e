import Machine

/// Tags, and what invalidations remove.
extension GuestReplay {
  /// Makes `running` anew from the virtual processor on a core.
  mutating func refresh() {
    forgetRepeats()
    let vcpu = vcpus[running.vcpu]
    let space = tables.spaces[vcpu.space]
    let hasSecond = machine.mode == .nested || machine.mode == .agile
    var context = WalkContext(
      firstLevels: tables.firstLevels, secondLevels: hasSecond ? tables.secondLevels : 0)
    context.second = hasSecond ? tables.guests[vcpu.guest].second : HPA(0)
    context.first = space.first
    context.firstControls = vcpu.registers.controls(machineControls)
    context.secondControls = machineControls
    if machine.mode == .shadow || machine.mode == .agile { startInShadow(&context, vcpu) }
    let tag = TranslationTag(vpid: vcpu.tag, pcid: vcpu.pcid, root: context.second.rawValue)
    context.firstTag = number(of: tag)
    context.secondTag = number(of: TranslationTag(vpid: 0, pcid: nil, root: tag.root))
    running.space = vcpu.space
    running.context = context
    running.user = vcpu.isUser ? .user : []
    running.hasGlobals = vcpu.registers.hasGlobalPages
    running.globalTag = number(of: TranslationTag(vpid: tag.vpid, pcid: nil, root: tag.root))
    running.isMixed = !ownsTag()
    hot.enter(running)
  }

  /// Whether all that the core has cached under the running tag is of the running space: a PCID that is
  /// used again without a flush still has the translations of its last owner.
  private mutating func ownsTag() -> Bool {
    let tag = running.context.firstTag
    let place = UInt32(running.core) << 16 | UInt32(tag)
    if tagOwners[place] == running.space { return true }
    let core = cores + running.core
    let isMixed =
      core.pointee.tlbs.hasEntries(under: tag) || core.pointee.walker.hasEntries(under: tag)
    tagOwners[place] = isMixed ? -1 : running.space
    return !isMixed
  }

  /// What the description says of the processor, and no register does.
  private var machineControls: PagingControls { .standard }

  /// Shadow mode walks the hypervisor's tables; agile mode goes on in the guest's at some level, at the
  /// root even with all levels nested.
  private mutating func startInShadow(_ context: inout WalkContext, _ vcpu: VirtualProcessor) {
    if machine.mode == .agile, shadow.nestedLevels >= tables.firstLevels {
      // Where the guest's root lies is known once it is backed, which its first page sees to.
      guard let host = tables.host(of: context.first, vcpu.guest) else { return }
      context.start = .guestAtHost
      context.first = GPA(host.rawValue)
      return
    }
    guard let root = shadow.root(of: vcpu.space, &tables) else { return }
    context.start = .shadow
    context.first = GPA(frame: root)
    if machine.mode == .shadow { context.secondLevels = 0 }
  }

  /// The number of a tag; numbers that nothing cached has are taken back when they run out.
  private mutating func number(of tag: TranslationTag) -> UInt16 {
    if let number = tags.number(of: tag) { return number }
    var used: Set<UInt16> = [
      running.context.firstTag, running.context.secondTag, running.globalTag,
    ]
    for core in 0..<machine.cores {
      cores[core].tlbs.collectTags(into: &used)
      cores[core].walker.collectTags(into: &used)
    }
    tags.release(except: used)
    // A core holds far fewer entries than there are numbers; were all in use, they would be flushed.
    if let number = tags.number(of: tag) { return number }
    for core in 0..<machine.cores {
      remove(everything, from: core, by: flushes.cause("tagsUsedUp"))
    }
    tags.release(except: [])
    return tags.number(of: tag) ?? 0
  }

  private var everything: InvalidationScope {
    InvalidationScope(
      vpids: .any, pcids: .any, removesGlobals: true, walkCaches: .all, guestPhysical: .any)
  }

  /// Carries an invalidation out on the core of the moment.
  mutating func invalidate(_ event: Invalidation) {
    forgetRepeats()
    let vcpu = vcpus[running.vcpu]
    let place = Invalidation.Place(
      vpid: vcpu.tag, pcid: vcpu.pcid, root: running.context.second.rawValue)
    var scope = event.scope(at: place)
    if machine.virtualization.invalidation == .conservative { scope = scope.conservative }
    let cause = flushes.cause(event.name)
    flushes.countEvent(cause)
    guard !scope.isEmpty else { return }
    remove(scope, from: running.core, by: cause)
  }

  private mutating func remove(_ scope: InvalidationScope, from core: Int, by cause: UInt8) {
    let tags = self.tags
    let core = cores + core
    var gone: [TLBKey] = []
    if scope.vpids != .none {
      core.pointee.tlbs.invalidate { key, entry in
        guard scope.removes(tags[key.tag], page: key.address, size: entry.page.first)
        else { return false }
        gone.append(key)
        return true
      }
      core.pointee.walker.invalidateFirst { prefix, tag, level in
        scope.removesStructure(
          tags[tag], page: prefix << UInt64(12 + 9 * level), level: level)
      }
    }
    if scope.guestPhysical != .none {
      core.pointee.walker.invalidateSecond { prefix, tag, level in
        scope.removesGuestPhysical(
          root: tags[tag].root, page: prefix << UInt64(12 + 9 * level), level: level)
      }
    }
    for key in gone { flushes.remove(key, by: cause) }
  }
}

extension Walker {
  /// Removes the first stage's walk-cache entries that a rule picks by prefix, tag and level.
  func invalidateFirst(where isGone: (UInt64, UInt16, Int) -> Bool) {
    for at in 0..<firstCaches.count {
      firstCaches.withCache(at) { cache in
        let level = cache.level
        _ = cache.remove { prefix, tag, _ in isGone(prefix, tag, level) }
      }
    }
  }

  /// Removes the guest-physical mappings that a rule picks; the nested TLB has level 0.
  func invalidateSecond(where isGone: (UInt64, UInt16, Int) -> Bool) {
    for at in 0..<secondCaches.count {
      secondCaches.withCache(at) { cache in
        let level = cache.level
        _ = cache.remove { prefix, tag, _ in isGone(prefix, tag, level) }
      }
    }
    _ = nestedTLB.remove { prefix, tag, _ in isGone(prefix, tag, 0) }
  }

  /// Whether any of the first stage's entries has a tag.
  func hasEntries(under tag: UInt16) -> Bool {
    var has = false
    invalidateFirst { _, other, _ in
      has = has || other == tag
      return false
    }
    return has
  }

  /// Adds the tags of all entries to a set.
  func collectTags(into tags: inout Set<UInt16>) {
    invalidateFirst { _, tag, _ in
      tags.insert(tag)
      return false
    }
    invalidateSecond { _, tag, _ in
      tags.insert(tag)
      return false
    }
  }
}
