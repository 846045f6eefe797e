/// The name that was probably meant, for "did you mean".
///
/// - Parameters:
///   - given: what was written.
///   - names: what is allowed.
/// - Returns: the first of the nearest names, or nothing where none is near: a name may differ by
///   a third of its letters, and in the case of them all.
func nearestName(to given: String, among names: [String]) -> String? {
  guard given.unicodeScalars.count <= 40 else { return nil }
  var best: (name: String, edits: Int)?
  for name in names {
    let edits = editDistance(given.lowercased(), name.lowercased())
    if edits <= name.count / 3, edits < best?.edits ?? .max { best = (name, edits) }
  }
  return best?.name
}

/// Letters inserted, deleted, replaced, or swapped with their neighbour to make one the other.
private func editDistance(_ one: String, _ other: String) -> Int {
  let (rows, columns) = (Array(one.unicodeScalars), Array(other.unicodeScalars))
  var before: [Int] = []
  var last = Array(0...columns.count)
  for (row, scalar) in rows.enumerated() {
    var line = [row + 1]
    for (column, candidate) in columns.enumerated() {
      let isSame = scalar == candidate
      var edits = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, line[column] + 1)
      if row > 0, column > 0, scalar == columns[column - 1], rows[row - 1] == candidate {
        edits = min(edits, before[column - 1] + 1)
      }
      line.append(edits)
    }
    before = last
    last = line
  }
  return last[columns.count]
}
