/// An address of one space; two spaces' addresses do not mix.
struct Address<Space>: Hashable, Sendable {
  var rawValue: UInt64

  init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// The space of addresses that guest software uses.
enum GuestVirtual: Sendable {}
/// The space of addresses that a guest takes for physical.
enum GuestPhysical: Sendable {}
/// The space of addresses that memory answers to.
enum HostPhysical: Sendable {}

typealias GVA = Address<GuestVirtual>
typealias GPA = Address<GuestPhysical>
typealias HPA = Address<HostPhysical>
