import ArgumentParser
import GRDB
import Reporting
import Results

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Keep results of many states of the sources, and draw their trends.",
    discussion: """
      The history is an index that can be made again: JSON results stay the truth. A label tells one \
      state from another, such as a commit; what is added under a label, trace and machine that is \
      there already takes its place.

      EXAMPLES:
        nestwalk history add history.sqlite result.json --label 4f1c2d9
        nestwalk history list history.sqlite
        nestwalk history trend history.sqlite --counter walk.cycles -o trend.html
      """,
    subcommands: [Add.self, List.self, Trend.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add results of nestwalk run -o FILE.json.")

    @Argument(help: "The history, a SQLite database; it is made if need be.")
    var history: String

    @Argument(help: "Results as nestwalk run -o FILE.json wrote them.")
    var results: [String]

    @Option(help: "What tells this state of the sources, such as a commit.")
    var label: String

    func run() throws {
      try refusing {
        var entries: [HistoryEntry] = []
        for path in results {
          let text = try wholeText(of: path)
          do throws(ComparisonError) {
            entries += try HistoryEntry.all(in: text, label: label)
          } catch {
            throw FileError(path, error.problem, cure: error.cure)
          }
        }
        try HistoryStore(history, mayCreate: true).add(entries)
        printError("nestwalk: \(history) has \(grouped(entries.count)) more results of \(label)")
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List what a history has, as CSV: label, trace, machine, walks, walk cycles.")

    @Argument(help: "The history, a SQLite database.")
    var history: String

    func run() throws {
      try refusing {
        var text = "label,trace,machine,walks,walkCycles\n"
        for entry in try HistoryStore(history, mayCreate: false).entries() {
          let cells = [entry.label, entry.trace.name, entry.machine.name]
            .map {
              $0.contains { ",\"\n\r".contains($0) }
                ? "\"" + $0.replacing("\"", with: "\"\"") + "\"" : $0
            }
          let numbers = ["walk.count", "walk.cycles"].map {
            entry.counters[$0].map(String.init) ?? ""
          }
          text += (cells + numbers).joined(separator: ",") + "\n"
        }
        printResult(text)
      }
    }
  }

  struct Trend: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Draw counters over the labels, in the order in which they were added.")

    @Argument(help: "The history, a SQLite database.")
    var history: String

    @Option(
      name: .customLong("counter"),
      help: "A counter to draw; may be repeated. Without: walks, references and cycles.")
    var counters: [String] = []

    @Option(name: .shortAndLong, help: "The page to write, FILE.html.")
    var output: String

    func validate() throws {
      guard output == "-" || suffix(of: output).lowercased() == "html" else {
        throw ValidationError("-o \(output): trends are written as FILE.html")
      }
    }

    func run() throws {
      try refusing {
        let file = try PendingFile(output)
        let entries = try HistoryStore(history, mayCreate: false).entries()
        let wanted =
          counters.isEmpty
          ? ["walk.count", "walk.references", "walk.cycles", "exit.cycles", "iotlb.misses"]
          : counters
        let page = trendPage(entries, counters: wanted)
        try writeAll(Array(page.utf8), to: file.descriptor, file: file.path)
        try file.commit()
        if output != "-" { printError("nestwalk: wrote \(output)") }
      }
    }
  }
}

/// A history's database.
struct HistoryStore {
  private let path: String
  private let database: DatabaseQueue

  init(_ path: String, mayCreate: Bool) throws(FileError) {
    self.path = path
    guard mayCreate || FilePlace.exists(path) else {
      throw FileError(path, "is not there", cure: "make it with nestwalk history add")
    }
    do {
      database = try DatabaseQueue(path: path)
      try database.write { database in
        try database.execute(
          sql: """
            CREATE TABLE IF NOT EXISTS result (
              id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT NOT NULL, trace TEXT NOT NULL,
              traceHash TEXT NOT NULL, machine TEXT NOT NULL, machineHash TEXT NOT NULL,
              tool TEXT NOT NULL, UNIQUE (label, trace, machine));
            CREATE TABLE IF NOT EXISTS counter (
              result INTEGER NOT NULL REFERENCES result ON DELETE CASCADE, name TEXT NOT NULL,
              value INTEGER NOT NULL, PRIMARY KEY (result, name)) WITHOUT ROWID;
            """)
      }
    } catch {
      throw Self.refusal(path, error)
    }
  }

  private static func refusal(_ path: String, _ error: any Error) -> FileError {
    let problem = (error as? DatabaseError)?.message ?? "\(error)"
    return FileError(
      path, "is no history (\(problem))", cure: "make it again from JSON results")
  }

  /// Adds entries, all or none.
  func add(_ entries: [HistoryEntry]) throws(FileError) {
    do {
      try database.write { database in
        for entry in entries {
          try database.execute(
            sql: "DELETE FROM result WHERE label = ? AND trace = ? AND machine = ?",
            arguments: [entry.label, entry.trace.name, entry.machine.name])
          try database.execute(
            sql: """
              INSERT INTO result (label, trace, traceHash, machine, machineHash, tool)
              VALUES (?, ?, ?, ?, ?, ?)
              """,
            arguments: [
              entry.label, entry.trace.name, entry.trace.sha256, entry.machine.name,
              entry.machine.sha256, entry.tool,
            ])
          let id = database.lastInsertedRowID
          for (name, value) in entry.counters {
            try database.execute(
              sql: "INSERT INTO counter (result, name, value) VALUES (?, ?, ?)",
              arguments: [id, name, value])
          }
        }
      }
    } catch {
      throw Self.refusal(path, error)
    }
  }

  /// Everything, in the order in which it was added.
  func entries() throws(FileError) -> [HistoryEntry] {
    do {
      return try database.read { database in
        var counters: [Int64: [String: Int]] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT result, name, value FROM counter") {
          let id: Int64 = row["result"]
          let name: String = row["name"]
          counters[id, default: [:]][name] = row["value"]
        }
        return try Row.fetchAll(database, sql: "SELECT * FROM result ORDER BY id").map { row in
          let id: Int64 = row["id"]
          return HistoryEntry(
            label: row["label"], trace: (row["trace"], row["traceHash"]),
            machine: (row["machine"], row["machineHash"]), tool: row["tool"],
            counters: counters[id] ?? [:])
        }
      }
    } catch {
      throw Self.refusal(path, error)
    }
  }
}
