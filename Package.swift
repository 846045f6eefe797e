// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A library of Nestwalk; `ARCHITECTURE.md` says which may use which, and a test holds this file
/// against it.
func library(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of name: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name)] + dependencies,
    swiftSettings: settings)
}

/// A C library that the system provides.
func system(_ name: String, pkgConfig: String, debian: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let package = Package(
  name: "nestwalk",
  products: [
    .executable(name: "nestwalk", targets: ["nestwalk"]),
    // For the package of benchmarks; nothing here is a promise to others.
    .library(
      name: "NestwalkLibraries", targets: ["Translation", "TraceFile", "Machine", "Results"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .executableTarget(
      name: "nestwalk",
      dependencies: [
        "Reporting", "Translation", "Results", "Machine", "TraceFile",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: settings),
    library("Reporting", uses: ["Results"]),
    library("Translation", uses: ["Results", "Machine", "TraceFile", "CLanes"]),
    library("Results"),
    library("Machine", uses: ["CCrypto"]),
    library("TraceFile", uses: ["CZstd", "CZlib", "CLzma", "CCrypto"]),
    .target(name: "CLanes", swiftSettings: settings),
    system("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),
    system("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    system("CLzma", pkgConfig: "liblzma", debian: "liblzma-dev"),
    system("CCrypto", pkgConfig: "libcrypto", debian: "libssl-dev"),
    tests(of: "Reporting", uses: ["Results"]),
    tests(of: "Translation", uses: ["Results", "Machine", "TraceFile", "CAllocations"]),
    .target(name: "CAllocations", path: "Tests/CAllocations", swiftSettings: settings),
    tests(of: "Results"),
    tests(of: "Machine"),
    tests(of: "TraceFile"),
    .testTarget(name: "NestwalkTests", dependencies: ["nestwalk"], swiftSettings: settings),
  ])
