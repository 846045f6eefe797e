import Testing

@testable import TraceFile
