extension IsolationRule {
  /// Which interrupts devices may raise, and where.
  static let interrupts = [
    IsolationRule(
      "V12", "Forged interrupt in compatibility format", .critical,
      meaning:
        "A device wrote an interrupt message in the format that interrupt remapping does not check. "
        + "Critical where remapping is off or lets the format pass, because then the message chose "
        + "vector and processor itself; low where it was blocked.",
      remedy:
        "Enable interrupt remapping and block compatibility-format interrupts before assigning a "
        + "device; treat the guest as hostile where the message was blocked.",
      reference:
        "Following the White Rabbit, Invisible Things Lab 2011; CVE-2011-1898; Intel "
        + "VT-d specification, fault reason 25h"),
    IsolationRule(
      "V13", "Interrupt entry used by the wrong source, or open to several", .high, .both,
      meaning:
        "A device used a remapping entry that its source check denies (medium: it was blocked), or "
        + "an entry of a guest's device checks no source or a range that covers several devices, so "
        + "that others may raise its interrupt.",
      remedy:
        "Program source-id verification with the device's own id; use bus ranges only for bridges, "
        + "in the order start bus, end bus.",
      reference:
        "XSA-49, CVE-2013-1952: source validation behind bridges; Intel VT-d "
        + "specification, fault reason 26h"),
    IsolationRule(
      "V14", "Interrupt entry shared or left behind", .critical, .both,
      meaning:
        "An interrupt was remapped by an entry that belongs to another guest, or that stayed valid "
        + "after its device was taken away.",
      remedy:
        "Clear and flush a device's entries when it is detached; give each guest entries, or a "
        + "table, of its own.",
      reference:
        "XSA-36, CVE-2013-0153: one AMD table for all, old entries not cleared"),
    IsolationRule(
      "V15", "Dangerous vector or delivery mode", .critical, .both,
      meaning:
        "A guest's device can raise, or raised, an interrupt as NMI, SMI, INIT or ExtINT, or with a "
        + "vector below 32, which are the processor's exceptions; or AMD's device-table entry passes "
        + "such interrupts through.",
      remedy:
        "Allow fixed and lowest-priority delivery with vectors from 32 only, and clear the "
        + "pass-through bits of the device-table entry.",
      reference:
        "XSA-59, CVE-2013-3495: malformed messages that end as NMIs; Following the White Rabbit, "
        + "2011"),
    IsolationRule(
      "V16", "Malformed interrupt request", .medium,
      meaning:
        "An interrupt message had reserved bits set, or named an entry that is beyond the table or not "
        + "present; it was blocked. Many of them are a probe.",
      remedy: "Find the device's driver or guest; correct firmware writes no such messages.",
      reference: "Intel VT-d specification, fault reasons 20h, 21h and 22h"),
    IsolationRule(
      "V17", "Interrupt storm or exhaustion of entries", .medium,
      meaning:
        "A device raised interrupts faster than the machine's limit, or holds more remapping entries "
        + "than its quota: it takes processor time, or entries, from others.",
      remedy: "Let the device coalesce or moderate interrupts; bound entries for each guest.",
      reference: "CVE-2020-29567: a stream of interrupts locks up a processor"),
    IsolationRule(
      "V18", "Interrupt posted to a virtual processor that is not where it seems", .medium,
      meaning:
        "When an interrupt was posted, the descriptor disagreed with the virtual processor's state: "
        + "its target was another core than the one it runs on, notifications were not suppressed "
        + "while it was preempted, or not diverted while it was blocked. Medium where that costs a "
        + "spurious or lost notification, high where the notification reached a core that runs "
        + "another guest.",
      remedy:
        "Update target, suppress bit and notification vector, in the order that the architecture "
        + "asks, whenever the scheduler moves, preempts or blocks the virtual processor.",
      reference:
        "Intel VT-d specification, posted interrupt descriptor; Linux arch/x86/kvm/vmx/posted_intr.c"
    ),
    IsolationRule(
      "V19", "Interrupt delivered to a core that does not run the guest", .medium,
      meaning:
        "A guest's interrupt arrived at a core on which no virtual processor of that guest was "
        + "running. Medium where another guest ran there, which lost time by an exit; low where "
        + "nobody did, and it cost a forwarding.",
      remedy:
        "Move the entry's destination with the virtual processor, or post interrupts.",
      reference:
        "The rule that an interrupt goes to a core that runs a thread of its guest; ELI, ASPLOS 2012"
    ),
  ]
}
