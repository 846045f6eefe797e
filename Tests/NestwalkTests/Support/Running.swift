import Foundation
import Testing

/// A program that was started, with its stdout and stderr on files of their own.
///
/// Not Foundation's `Process`: on Linux it lets programs inherit what a pool's threads block, so
/// that no signal reaches them, and crashes now and then where several threads start programs.
final class Running {
  /// What the program reads on stdin.
  enum Input {
    case nothing
    case file(String)
    /// What the test writes to `input`.
    case pipe
  }

  let id: pid_t
  /// The end of the pipe to write to; the program sees its end once this is closed.
  let input: FileHandle?
  private let command: String
  private static let oneAtATime = NSLock()
  private let streams: Folder

  init(
    program: String, _ arguments: [String], in folder: URL, input: Input = .nothing,
    environment: [String: String] = [:]
  ) throws {
    command = ([program] + arguments).joined(separator: " ")
    streams = try Folder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // No program started in between may inherit the pipe's ends, or its reader never sees its end.
    Self.oneAtATime.lock()
    defer { Self.oneAtATime.unlock() }
    var ends: [Int32] = [-1, -1]
    switch input {
    case .nothing: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    case .file(let path): posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
    case .pipe:
      try #require(pipe(&ends) == 0)
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    }
    for (descriptor, name) in [(Int32(1), "stdout"), (2, "stderr")] {
      posix_spawn_file_actions_addopen(
        &actions, descriptor, streams.path(name).path, O_WRONLY | O_CREAT, 0o600)
    }
    // The shell changes to the folder and becomes the program.
    id = try Self.spawn(
      ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, program] + arguments,
      ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" },
      &actions)
    if ends[0] >= 0 { close(ends[0]) }
    self.input = ends[1] < 0 ? nil : FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
  }

  /// Starts a program with no signal blocked and none ignored.
  private static func spawn(
    _ arguments: [String], _ environment: [String],
    _ actions: inout posix_spawn_file_actions_t
  ) throws -> pid_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var id: pid_t = 0
    let result = posix_spawn(&id, arguments[0], &actions, &attributes, argv, envp)
    try #require(result == 0, "\(arguments[0]): \(String(cString: strerror(result)))")
    return id
  }

  /// Waits for its end, and makes one where it does not come in far more time than any test needs.
  func outcome(within seconds: Double = 240) throws -> Outcome {
    let limit = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    while waitpid(id, &status, WNOHANG) == 0 {
      if ContinuousClock.now > limit {
        Issue.record("no end after \(seconds) s: \(command)")
        kill(id, SIGKILL)
        waitpid(id, &status, 0)
        break
      }
      usleep(1000)
    }
    // As the system packs them: a signal in the lowest seven bits, or else the code in the next byte.
    let signal = status & 0x7f
    return Outcome(
      status: signal == 0 ? status >> 8 & 0xff : 128 + signal,
      output: try streams.data("stdout"), errors: try streams.text("stderr"))
  }
}
