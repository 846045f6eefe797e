// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that who uses Nestwalk never resolves it.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "nestwalk", path: "..")],
  targets: [
    .target(name: "CFloor"),
    .executableTarget(
      name: "Benchmark",
      dependencies: ["CFloor", .product(name: "NestwalkLibraries", package: "nestwalk")],
      swiftSettings: [.treatAllWarnings(as: .error)]),
  ])
