import Results

/// What a reader wants to know of a machine, read from its resolved description.
///
/// Reports know no machine model, so a key that is not there is a fact that is not shown.
struct MachineSummary {
  struct TLB {
    var name: String
    var geometry: String
    var serves: String
    var pageSizes: String
    var latencyCycles: String
  }

  var mode = ""
  var firstStage = ""
  var secondStage = ""
  var memory = ""
  var tlbs: [TLB] = []
  /// Sets and ways, by the part of the counters' names between `walkCache.` and `.lookups`.
  var walkCaches: [(name: String, geometry: String)] = []
  /// Whether the description says that it has no walk cache.
  var lacksWalkCaches = false
  /// Architecture and mode of the IOMMU, and its caches; empty where the machine has none.
  var iommu = ""
  var iommuCaches: [String] = []

  init(_ machine: MachineIdentity) {
    guard let description = JSONValue(machine.resolvedJSON) else { return }
    mode = description["virtualization"]?["mode"]?.text ?? ""
    firstStage = description["firstStage"]?["format"]?.text ?? ""
    if mode != "native" { secondStage = description["secondStage"]?["format"]?.text ?? "" }
    if let cost = description["memory"]?["referenceCycles"]?.text {
      let model = description["memory"]?["model"]?.text
      memory = (model.map { $0 + ", " } ?? "") + cost + " cycles a reference"
    }
    tlbs = (description["tlbs"]?.elements ?? []).map { tlb in
      TLB(
        name: tlb["name"]?.text ?? "", geometry: Self.geometry(tlb),
        serves: Self.list(tlb["serves"]), pageSizes: Self.list(tlb["pageSizes"]),
        latencyCycles: tlb["latencyCycles"]?.text ?? "")
    }
    walkCaches = (description["walkCaches"]?.elements ?? []).map { cache in
      (Self.counterName(cache), Self.geometry(cache))
    }
    lacksWalkCaches = description["walkCaches"] == .array([])
    guard let unit = description["iommu"], let architecture = unit["architecture"]?.text else {
      return
    }
    let name = ["vtd": "VT-d", "amdvi": "AMD-Vi"][architecture] ?? architecture
    iommu = [name, unit["mode"]?.text ?? ""].filter { $0 != "" }.joined(separator: ", ")
    let named = [
      ("iotlb", "IOTLB"), ("contextCache", "context cache"), ("pasidCache", "PASID cache"),
    ].map { ($0.1, unit[$0.0]) }
    let ofWalks = (unit["walkCaches"]?.elements ?? []).map { (Self.counterName($0), $0["cache"]) }
    iommuCaches = (named + ofWalks).compactMap { name, cache in
      let shape = cache.map(Self.geometry) ?? ""
      return shape == "" ? nil : "\(name) \(shape)"
    }
  }

  /// Such as `nested, x86-64:4 over ept:4`.
  var translation: String {
    let stages = [firstStage, secondStage].filter { $0 != "" }.joined(separator: " over ")
    return [mode, stages].filter { $0 != "" }.joined(separator: ", ")
  }

  /// The entries that a walk reads when no cache helps and every page is a base page.
  ///
  /// A native walk of n levels reads n. In a nested walk each of those n tables and the data
  /// address cost m second-stage references more: (n + 1)(m + 1) - 1.
  var maximumReferences: Int? {
    guard let first = firstLevels else { return nil }
    switch mode {
    case "native": return first
    case "nested": return Self.levels(secondStage).map { (first + 1) * ($0 + 1) - 1 }
    default: return nil
    }
  }

  /// Levels of first-stage tables, which is also what a native walk reads at most.
  var firstLevels: Int? { Self.levels(firstStage) }

  /// The number after the colon of a format such as `x86-64:4`.
  private static func levels(_ format: String) -> Int? {
    guard let last = format.split(separator: ":").dropFirst().last, let levels = Int(last),
      1...6 ~= levels
    else { return nil }
    return levels
  }

  private static func geometry(_ cache: JSONValue) -> String {
    guard let sets = cache["sets"]?.text, let ways = cache["ways"]?.text else { return "" }
    return sets + " x " + ways
  }

  private static func list(_ value: JSONValue?) -> String {
    (value?.elements ?? []).compactMap(\.text).joined(separator: ", ")
  }

  private static func counterName(_ cache: JSONValue) -> String {
    let stage = cache["stage"]?.text ?? ""
    guard let level = cache["level"]?.text else { return stage }
    return stage + "Stage.L" + level
  }
}
