#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What the terminal behind stdout can show.
enum Terminal {
  /// Colour on a terminal only, and never where `NO_COLOR` asks for none.
  static var hasColor: Bool {
    guard isatty(STDOUT_FILENO) == 1 else { return false }
    guard let wish = getenv("NO_COLOR") else { return true }
    return wish[0] == 0
  }

  /// Columns, 80 where there is no terminal.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
