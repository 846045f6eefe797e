import Foundation
import TraceFile

/// Reads blocks in a thread of its own, a few ahead of whoever uses them.
///
/// The blocks come in their order, and what is done with them is done by the one who asks, so a result
/// cannot depend on how many threads there are.
final class BlocksAhead: @unchecked Sendable {
  /// What stands in one place of the ring; whose turn it is, the semaphores say.
  private struct Place {
    let block = TraceBlock()
    var isLast = false
    var failure: TraceError?
    var bytesRead = 0
  }

  private let reader: TraceReader
  private var ring: [Place]
  private let filled = DispatchSemaphore(value: 0)
  private let free: DispatchSemaphore
  private let ended = DispatchSemaphore(value: 0)
  private let stop = StopFlag()

  /// Written by one side and read by the other.
  private final class StopFlag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false

    var isSet: Bool { lock.withLock { value } }
    func set() { lock.withLock { value = true } }
  }

  init(_ reader: TraceReader, places: Int = 4) {
    self.reader = reader
    ring = (0..<places).map { _ in Place() }
    free = DispatchSemaphore(value: places)
  }

  /// Gives every block in order.
  ///
  /// - Parameter body: the block, and the stored bytes read up to its end.
  /// - Throws: what reading or `body` throws; the reader is at rest by then.
  func giveEach(_ body: (TraceBlock, _ bytesRead: Int) throws -> Void) throws {
    let thread = Thread { [self] in
      read()
      ended.signal()
    }
    thread.start()
    defer {
      stop.set()
      free.signal()
      ended.wait()
      // A semaphore may not end below the value that it began with.
      for _ in ring { free.signal() }
    }
    var at = 0
    while true {
      filled.wait()
      let place = at % ring.count
      if let failure = ring[place].failure { throw failure }
      if ring[place].isLast { return }
      try body(ring[place].block, ring[place].bytesRead)
      free.signal()
      at += 1
    }
  }

  private func read() {
    var at = 0
    while true {
      free.wait()
      if stop.isSet { return }
      let place = at % ring.count
      var isLast = false
      var failure: TraceError?
      do {
        isLast = !(try reader.next(into: ring[place].block))
        if !isLast { try ring[place].block.loadPages() }
      } catch {
        failure = error
      }
      ring[place].isLast = isLast
      ring[place].failure = failure
      ring[place].bytesRead = reader.bytesRead
      filled.signal()
      if isLast || failure != nil { return }
      at += 1
    }
  }
}

/// Does independent parts of some work, at the same time where there are threads for it.
enum SideBySide {
  /// - Throws: what the first part that failed threw, by its number.
  static func perform(
    _ parts: Int, threads: Int, _ body: (Int) throws -> Void
  ) throws {
    guard threads > 1, parts > 1 else {
      for part in 0..<parts { try body(part) }
      return
    }
    var failures = [(any Error)?](repeating: nil, count: parts)
    failures.withUnsafeMutableBufferPointer { failures in
      // Each part writes its own place.
      nonisolated(unsafe) let failures = failures
      withoutActuallyEscaping(body) { body in
        nonisolated(unsafe) let body = body
        let workers = min(threads, parts)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
          for part in stride(from: worker, to: parts, by: workers) {
            do { try body(part) } catch { failures[part] = error }
          }
        }
      }
    }
    for failure in failures { if let failure { throw failure } }
  }
}
