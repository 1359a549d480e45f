//! A sandbox of which everything is there but what it shows and what it does: it waits to be told.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Child;

use crate::init::Orders;

/// Dropping it ends it; so does the end of this process.
pub(crate) struct Ready {
    pub(super) child: Option<Child>,
    /// Where bubblewrap tells what it made.
    pub(super) about: OwnedFd,
    /// A file without a name, which process 1 reads.
    pub(super) orders: File,
    /// What the first stage waits at: closed without a word, it ends.
    pub(super) command: File,
    pub(super) dies_with_us: bool,
}

impl Ready {
    /// Its process, and where bubblewrap tells about itself.
    pub(super) fn tell(mut self, command: &[String], orders: &Orders) -> io::Result<(Child, OwnedFd)> {
        self.orders.write_all(&serde_json::to_vec(orders)?)?;
        // Whoever reads it shares the place in it.
        self.orders.rewind()?;
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        match self.command.write_all(&line) {
            // It failed by itself before: what it said of that is read where it is missed.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other?,
        }
        let child = self.child.take().ok_or_else(|| io::Error::other("it was told already"))?;
        Ok((child, self.about.try_clone()?))
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            let _ = child.kill();
            std::thread::spawn(move || _ = child.wait());
        }
    }
}
