//! Logs on disk: segments of lines, written by the init or the agent, read and followed by the agent.
//!
//! A line on disk is `<microseconds> <stream> <text>`. A segment is full at 16 MiB; full ones are compressed by the
//! agent. There are 64 at most: then the oldest goes. A line's position is its segment and its offset in it, and stays
//! what it is when the segment is compressed.

mod lines;
mod reader;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Query, newest, read};
pub use segments::compress_full;
pub use writer::Writer;

/// Bytes of a line's text at most; the rest is cut off, and it is marked.
pub const LONGEST: usize = 64 * 1024;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Segment and offset: `12-4096`.
    pub position: String,
    /// Microseconds of UTC since 1970.
    pub at: i64,
    /// `stdout`, `stderr`, `stoa`, or with a further process's name before it: `worker:stdout`.
    pub stream: String,
    pub text: String,
}
