/// Why a guest stops running and its hypervisor begins.
///
/// Source: Intel SDM volume 3D, June 2016 (325384-059US), "VMX Basic Exit Reasons"; AMD64 Architecture
/// Programmer's Manual volume 2, 24593, "SVM Intercept Exit Codes", by way of Linux,
/// `arch/x86/include/uapi/asm/{vmx,svm}.h`.
enum ExitReason: Int, CaseIterable {
  case exception
  case externalInterrupt
  case nmi
  case nmiWindow
  case interruptWindow
  case taskSwitch
  case cpuid
  case hlt
  case invd
  case invlpg
  case rdpmc
  case rdtsc
  case vmcall
  case vmInstruction
  case crAccess
  case drAccess
  case io
  case rdmsr
  case wrmsr
  case mwait
  case monitor
  case pause
  case apicAccess
  case virtualizedEOI
  case eptViolation
  case eptMisconfiguration
  case invept
  case preemptionTimer
  case invvpid
  case wbinvd
  case xsetbv
  case apicWrite
  case invpcid
  case pmlFull
  case other

  /// As counters spell it.
  var name: String { "\(self)" }

  /// The reason of a number in the VMCS.
  init(vmx number: UInt64) {
    self =
      switch number & 0xffff {
      case 0: .exception
      case 1: .externalInterrupt
      case 7: .interruptWindow
      case 8: .nmiWindow
      case 9: .taskSwitch
      case 10: .cpuid
      case 12: .hlt
      case 13: .invd
      case 14: .invlpg
      case 15: .rdpmc
      case 16, 51: .rdtsc
      case 18: .vmcall
      case 19...27: .vmInstruction
      case 28: .crAccess
      case 29: .drAccess
      case 30: .io
      case 31: .rdmsr
      case 32: .wrmsr
      case 36: .mwait
      case 39: .monitor
      case 40: .pause
      case 44: .apicAccess
      case 45: .virtualizedEOI
      case 48: .eptViolation
      case 49: .eptMisconfiguration
      case 50: .invept
      case 52: .preemptionTimer
      case 53: .invvpid
      case 54: .wbinvd
      case 55: .xsetbv
      case 56: .apicWrite
      case 58: .invpcid
      case 62: .pmlFull
      default: .other
      }
  }

  /// The reason of an exit code in the VMCB.
  init(svm code: UInt64) {
    self =
      switch code {
      case 0x00...0x1f: .crAccess
      case 0x20...0x3f: .drAccess
      case 0x40...0x5f: .exception
      case 0x60: .externalInterrupt
      case 0x61: .nmi
      case 0x64: .interruptWindow
      case 0x6e, 0x87: .rdtsc
      case 0x6f: .rdpmc
      case 0x72: .cpuid
      case 0x76: .invd
      case 0x77: .pause
      case 0x78: .hlt
      case 0x79: .invlpg
      case 0x7a, 0x80, 0x82...0x86: .vmInstruction
      case 0x7b: .io
      case 0x7c: .wrmsr
      case 0x7d: .taskSwitch
      case 0x81: .vmcall
      case 0x89: .wbinvd
      case 0x8a: .monitor
      case 0x8b, 0x8c: .mwait
      case 0x8d: .xsetbv
      case 0xa2: .invpcid
      case 0x400: .eptViolation
      case 0x401, 0x402: .apicAccess
      default: .other
      }
  }

  /// Privileged instructions, which trap by themselves where a guest runs without its privilege.
  var isPrivilegedInstruction: Bool {
    switch self {
    case .hlt, .invd, .invlpg, .crAccess, .drAccess, .io, .rdmsr, .wrmsr, .wbinvd, .xsetbv,
      .invpcid, .mwait, .monitor, .vmInstruction, .rdpmc:
      true
    default: false
    }
  }
}
