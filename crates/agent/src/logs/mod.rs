//! Logs on disk: segments of lines, written by the init or the agent, read and followed by the agent.
//!
//! A line on disk is `<microseconds> <stream> <text>`, with `@` and the sandbox behind the stream of what one wrote. A
//! segment is full at 16 MiB; full ones are compressed by the agent. There are 128 at most: then the oldest goes. A line's
//! position is its segment and its offset in it, and stays what it is when the segment is compressed.
//!
//! What is shown of a line (`look`) goes without secrets and without what a terminal would act upon, and it is what is
//! searched: whoever may not see a secret doesn't find it either.

mod cut;
mod defuse;
mod json;
mod judge;
mod level;
mod lines;
mod look;
mod mask;
mod outline;
mod reader;
#[cfg(test)]
mod searches;
mod secrets;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

pub use cut::Cutter;
pub use json::Fields;
pub use judge::{Levels, Of, Query};
pub use level::Level;
pub use look::Look;
pub use mask::{MASKED, Masks};
pub use outline::{Stretch, outline};
pub use reader::{newest, read};
pub(crate) use secrets::Secrets;
pub(crate) use segments::compress;
pub use segments::compress_full;
pub use writer::Writer;

/// Bytes of a line's text at most; the rest is cut off, and it is marked.
pub const LONGEST: usize = 64 * 1024;

/// What stands at the end of a line that was cut.
const CUT: &str = " …[cut]";

/// What stands between a stream's name and the sandbox's.
const MARK: u8 = b'@';

/// One line, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Segment and offset: `12-4096`.
    pub position: String,
    /// Microseconds of UTC since 1970.
    pub at: i64,
    /// `stdout`, `stderr`, `stoa`, `proxy`, or with a further process's name before it: `worker:stdout`.
    pub stream: String,
    pub level: Level,
    pub text: String,
}
