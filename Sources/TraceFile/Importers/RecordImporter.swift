/// Reads one foreign format and hands its records to blocks.
///
/// An importer is pulled: it appends until the block is full or its input ends, and goes on there
/// with the next block, so that memory is bounded whatever the input's length.
protocol RecordImporter {
  /// Appends records until the block is full or the input has ended.
  ///
  /// - Parameter block: has room for at least one record.
  /// - Returns: whether there may be more.
  /// - Throws: an error that names the first place where the input does not fit the format.
  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool

  /// What the format could not say and what was left out, complete once `read` returned false.
  var notes: [String] { get }

  /// Lines or records that were passed over, complete once `read` returned false.
  var skipped: Int { get }

  /// Instructions retired after the last record, complete once `read` returned false.
  var trailingInstructions: Int { get }
}
