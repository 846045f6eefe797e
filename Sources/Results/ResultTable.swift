/// A table that answers one question about a run, beside its counters.
public struct ResultTable: Sendable, Equatable {
  /// One column.
  public struct Column: Sendable, Equatable {
    /// In JSON and CSV, such as `walkReferences`.
    public var name: String
    /// Over the column, for people.
    public var title: String

    /// Creates a column of its parts.
    public init(_ name: String, _ title: String) {
      self.name = name
      self.title = title
    }
  }

  /// One cell.
  public enum Cell: Sendable, Equatable {
    case text(String)
    case number(Int)
    /// A number of hundredths, for ratios that people read.
    case hundredths(Int)
    /// Nothing to say: missing is empty, never zero.
    case empty
  }

  /// In JSON and CSV, such as `modes`; unique in its result.
  public var name: String
  /// The heading, for people.
  public var title: String
  /// What the numbers mean and what follows from them.
  public var explanation: String
  /// The first column heads the rows.
  public var columns: [Column]
  /// Each with a cell for every column.
  public var rows: [[Cell]]

  /// Creates a table of its parts.
  public init(
    name: String, title: String, explanation: String, columns: [Column], rows: [[Cell]] = []
  ) {
    self.name = name
    self.title = title
    self.explanation = explanation
    self.columns = columns
    self.rows = rows
  }
}

extension ResultTable.Cell {
  /// A ratio to the nearest hundredth; empty where the denominator is 0.
  ///
  /// - Parameters:
  ///   - numerator: at least 0.
  ///   - denominator: at least 0.
  /// - Returns: the cell.
  public static func ratio(_ numerator: Int, over denominator: Int) -> ResultTable.Cell {
    guard denominator > 0 else { return .empty }
    let (whole, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
    return .hundredths(whole * 100 + (rest * 100 + denominator / 2) / denominator)
  }
}
