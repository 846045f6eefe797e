#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Falling lines over a size, both axes logarithmic.
struct CurveChart {
  /// One line.
  struct Line {
    var name: String
    /// At 1, 2, ..; beyond the last they stay.
    var misses: [Int]
  }

  var title: String
  /// What the sizes are.
  var axis: String
  var lines: [Line]

  private static let left = 64.0
  private static let right = 660.0
  private static let top = 16.0
  private static let bottom = 270.0
  /// Told apart by how they are drawn, not by colour alone.
  private static let dashes = ["", "7 4", "2 3"]

  private var longest: Int { max(lines.map(\.misses.count).max() ?? 1, 2) }
  private var highest: Int { max(lines.compactMap { $0.misses.first }.max() ?? 1, 10) }

  private func x(_ size: Int) -> Double {
    Self.left + (Self.right - Self.left) * log2(Double(size)) / log2(Double(longest))
  }

  /// No misses at all stand on the base line, one a little above.
  private func y(_ misses: Int) -> Double {
    let span = log10(Double(highest)) + 0.3
    let rise = misses == 0 ? 0 : log10(Double(misses)) + 0.3
    return Self.bottom - (Self.bottom - Self.top) * rise / span
  }

  var markup: Markup {
    """
    <svg viewBox="0 0 720 312" role="img" aria-label="\(title)">
    <title>\(title)</title>
    \(rows)\(columns)\(lines.indices.map { line($0) })\(labels)\
    <text class="axis" x="\((Self.left + Self.right) / 2)" y="306" text-anchor="middle">\(axis)</text>
    </svg>

    """
  }

  private var rows: Markup {
    var marks: [Markup] = []
    var value = 1
    while value <= highest {
      marks.append(
        """
        <line class="grid" x1="\(Self.left)" y1="\(y(value))" x2="\(Self.right)" y2="\(y(value))"/>
        <text class="axis" x="\(Self.left - 6)" y="\(y(value) + 4)" \
        text-anchor="end">\(compact(value))</text>

        """)
      value = value <= Int.max / 10 ? value * 10 : .max
      if value == .max { break }
    }
    return """
      \(marks)<line class="base" x1="\(Self.left)" y1="\(Self.bottom)" x2="\(Self.right)" \
      y2="\(Self.bottom)"/>

      """
  }

  private var columns: Markup {
    var marks: [Markup] = []
    let step = longest > 4096 ? 4 : 2
    var value = 1
    while value <= longest {
      marks.append(
        """
        <text class="axis" x="\(x(value))" y="\(Self.bottom + 16)" \
        text-anchor="middle">\(grouped(value))</text>

        """)
      value *= step
    }
    return "\(marks)"
  }

  private func line(_ place: Int) -> Markup {
    let misses = lines[place].misses
    var points: [Markup] = []
    var lastX = -10.0
    for (at, count) in misses.enumerated() {
      let isEnd = at + 1 == misses.count
      let here = x(at + 1)
      // Half a unit apart is closer than anyone sees.
      guard isEnd || here - lastX >= 0.5 else { continue }
      points.append("\(points.isEmpty ? "" : " ")\(here),\(y(count))")
      lastX = here
    }
    // Beyond the last size the misses stay.
    if let last = misses.last { points.append(" \(Self.right),\(y(last))") }
    let dash: Markup =
      Self.dashes[place % 3] == "" ? "" : " stroke-dasharray=\"\(Self.dashes[place % 3])\""
    return """
      <polyline class="curve c\(place % 3)" points="\(points)"\(dash)><title>\(lines[place].name)\
      </title></polyline>

      """
  }

  /// Each line's name at its end, moved apart where ends meet.
  private var labels: Markup {
    let ends = lines.indices.map { ($0, y(lines[$0].misses.last ?? 0)) }.sorted { $0.1 < $1.1 }
    var last = -100.0
    let marks = ends.map { place, height -> Markup in
      last = max(height + 4, last + 14)
      return """
        <text class="marked c\(place % 3)" x="\(Self.right + 6)" y="\(last)">\(lines[place].name)\
        </text>

        """
    }
    return "\(marks)"
  }
}
