/// How guest addresses become host addresses, and under which tags translations are cached.
public struct VirtualizationDescription: Sendable, Equatable {
  /// Native, nested, shadow or agile.
  public var mode: TranslationMode
  /// Agile mode: first-stage levels that hardware walks in the guest's tables, from the leaf up; the
  /// levels above are the hypervisor's shadow.
  public var nestedLevels: Int?
  /// Translations of several address spaces stay side by side; without it a CR3 load flushes.
  public var hasPCID = true
  /// Translations of several guests stay side by side (VPID, ASID); without it entries and exits flush.
  public var hasVPID = true
  /// How much an invalidation removes beyond what it must.
  public var invalidation = InvalidationVariant.minimal
}

/// How guest addresses become host addresses.
public enum TranslationMode: String, Sendable, CaseIterable {
  /// One stage: no virtualization.
  case native
  /// Two stages walked by hardware.
  case nested
  /// One stage walked by hardware, in tables that the hypervisor keeps for the guest's.
  case shadow
  /// The hypervisor's tables for the upper levels, the guest's and a second stage for the lower ones.
  case agile

  /// Guest-physical addresses are not host-physical ones.
  public var isVirtualized: Bool { self != .native }
}

/// How much an invalidation removes.
public enum InvalidationVariant: String, Sendable, CaseIterable {
  /// What the architecture requires and nothing else.
  case minimal
  /// What simple implementations remove: every translation of the tag for an address, and every
  /// translation for a tag.
  case conservative
}

/// What VM exits, and what stands in for them, cost.
public struct ExitsDescription: Sendable, Equatable {
  /// Who handles what a guest may not do by itself.
  public var hypervisor: HypervisorProfile
  /// From the guest into the hypervisor's first instruction and back.
  public var roundTripCycles: Int
  /// From the hypervisor to a process that handles the exit and back; the thin profile pays it.
  public var userSpaceCycles: Int
  /// A call from translated code into the translator and back; binary translation pays it instead.
  public var calloutCycles: Int
  /// Work for an exit besides its round trip.
  public var handlerCycles: Int
}

extension ExitsDescription {
  /// What an exit costs where a machine does not say.
  ///
  /// Round trip and the way into a process by a measurement on an AMD Zen server (VMRUN to #VMEXIT 1344
  /// to 1376 cycles; a whole KVM_RUN call 2528 to 2576), Linux kernel mailing list, December 2020, on
  /// VMLOAD for SEV-ES; handlers and callouts recalled.
  public static let usual = ExitsDescription(
    hypervisor: .full, roundTripCycles: 1350, userSpaceCycles: 1200, calloutCycles: 200,
    handlerCycles: 1000)
}

extension StageDescription {
  /// The second stage of a machine that names none.
  public static let usualSecond = StageDescription(format: .ept, levels: 4)
}

/// How a hypervisor gets hold of what a guest may not do by itself.
public enum HypervisorProfile: String, Sendable, CaseIterable {
  /// Hardware exits, handled in the kernel.
  case full
  /// Few hardware exits, each handled by a process.
  case thin
  /// No hardware support: every privileged instruction traps.
  case trapAndEmulate = "trap-and-emulate"
  /// No hardware support: sensitive instructions are translated into calls.
  case binaryTranslation = "binary-translation"
}
