/// The link between devices and their IOMMU: how many requests it carries at once, and how long one
/// takes.
///
/// One description serves models of different papers, each of which leaves something out as 0.
public struct LinkDescription: Sendable, Equatable {
  /// How the requests of one packet follow each other.
  public enum Order: String, Sendable, CaseIterable {
    /// All of them begin with the packet.
    case parallel
    /// One begins when the last has ended.
    case serial
  }

  /// Bytes of payload in a packet, for throughput.
  public var packetBytes: Int
  /// Requests of devices that make one packet.
  public var requestsPerPacket: Int
  /// From one packet to the next where nothing holds it up; it begins at a multiple of this.
  public var intervalPicoseconds: Int
  /// A packet begins only while fewer requests than these are under way.
  public var outstandingRequests: Int
  /// How a packet's requests follow each other.
  public var order: Order
  /// Of each packet, besides its requests.
  public var packetPicoseconds: Int
  /// Of each request.
  public var requestPicoseconds: Int
  /// More for a request that the IOTLB does not have.
  public var missPicoseconds: Int
  /// More for a request whose context or device-table entry is not cached.
  public var contextMissPicoseconds: Int
  /// More for each table entry that is read for it.
  public var referencePicoseconds: Int
}

extension LinkDescription {
  private static let keys = [
    "packetBytes", "requestsPerPacket", "intervalPicoseconds", "outstandingRequests", "order",
    "packetPicoseconds", "requestPicoseconds", "missPicoseconds", "contextMissPicoseconds",
    "referencePicoseconds",
  ]

  /// A second.
  private static let longest = 1_000_000_000_000

  /// Reads the key `link` of an IOMMU; one without it has no times of its own.
  static func optional(_ node: MachineNode) throws(MachineError) -> LinkDescription? {
    if node.isAbsent { return nil }
    let members = try node.members(keys)
    return LinkDescription(
      packetBytes: try members["packetBytes"].whole(1...1_000_000),
      requestsPerPacket: try members["requestsPerPacket"].whole(1...4096),
      intervalPicoseconds: try members["intervalPicoseconds"].whole(0...longest),
      outstandingRequests: try members["outstandingRequests"].whole(1...65_536),
      order: try members["order"].choice(Order.self),
      packetPicoseconds: try members["packetPicoseconds"].whole(0...longest),
      requestPicoseconds: try members["requestPicoseconds"].whole(0...longest),
      missPicoseconds: try members["missPicoseconds"].whole(0...longest),
      contextMissPicoseconds: try members["contextMissPicoseconds"].whole(0...longest),
      referencePicoseconds: try members["referencePicoseconds"].whole(0...longest))
  }

  /// The description as JSON, every key written.
  var json: JSONValue {
    .object([
      "packetBytes": .int(packetBytes),
      "requestsPerPacket": .int(requestsPerPacket),
      "intervalPicoseconds": .int(intervalPicoseconds),
      "outstandingRequests": .int(outstandingRequests),
      "order": .string(order.rawValue),
      "packetPicoseconds": .int(packetPicoseconds),
      "requestPicoseconds": .int(requestPicoseconds),
      "missPicoseconds": .int(missPicoseconds),
      "contextMissPicoseconds": .int(contextMissPicoseconds),
      "referencePicoseconds": .int(referencePicoseconds),
    ])
  }
}
