extension Metric {
  /// What the link between devices and their IOMMU carries.
  static let link = [
    Metric("link.packets", "packets", "Packets whose requests the devices have all made."),
    Metric("link.requests", "requests", "Requests of devices that the link carried."),
    Metric(
      "link.deferrals", "slots",
      "Slots in which a packet was due and found as many requests under way as the link carries."),
    Metric("link.nanoseconds", "nanoseconds", "Modelled time at which the last request ended."),
    Metric(
      "link.megabitsPerSecond", "Mb/s", "Payload of the packets over that time, rounded down."),
  ]
}
