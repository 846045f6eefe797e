/// What the records of the moment run under; made anew whenever an event changes any of it.
struct RunningContext: Equatable {
  var core = 0
  var vcpu = 0
  var space = 0
  var context = WalkContext(firstLevels: 4, secondLevels: 0)
  var globalTag: UInt16 = 0
  var user: Rights = .user
  /// CR4.PGE.
  var hasGlobals = true
  /// Some of what the core has cached under the tag may be of another address space.
  var isMixed = false
}
