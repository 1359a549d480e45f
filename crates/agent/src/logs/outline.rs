//! The outline of a log: how many lines of which level stand where, and in which of them a text is. Of a log that is too
//! long to be held, whoever shows it knows by it what there is, and asks for the lines that are to be seen.

use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::judge::Query;
use super::level::Level;
use super::lines::Raw;
use super::look::Needle;
use super::reader::{Reading, in_background};

/// Lines of one stretch, at most; and bytes of their text with which one ends, so that whoever shows it can hold some.
const LONG: u64 = 1_000;
const WIDE: usize = 256 * 1024;
/// Lines that are looked at for one where only a few fit.
const LOOKED_AT: u64 = 50_000;
/// Places of what was found that are told; what is beyond is only counted.
const TOLD: u64 = 100_000;

/// Lines that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Of its first line that fits; without one, of its first.
    pub position: String,
    /// When its first line was written, and its last. Microseconds of UTC.
    pub at: i64,
    pub until: i64,
    /// How many fit.
    pub lines: u64,
    /// How many there are of each level, whether that level is wanted or not.
    pub levels: [u64; 4],
    /// Which of those that fit hold the text, from 0, and how many do.
    pub found: Vec<u32>,
    pub hits: u64,
}

/// The outline, from the oldest line on. It reads only as fast as it is taken, and ends when nobody does.
///
/// `query.limit` and `query.follow` mean nothing here.
pub fn outline(
    folder: PathBuf,
    query: Query,
    find: Option<String>,
) -> impl Stream<Item = io::Result<Stretch>> + Send {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        if let Err(error) = send_all(folder, &query, find, &sender).await {
            // Nobody takes it any more: then nobody has to be told.
            let _ = sender.send(Err(error)).await;
        }
    });
    ReceiverStream::new(receiver)
}

async fn send_all(
    folder: PathBuf,
    query: &Query,
    find: Option<String>,
    sender: &mpsc::Sender<io::Result<Stretch>>,
) -> io::Result<()> {
    let taker = sender.clone();
    let reading = Reading::new(folder, query, move || taker.is_closed());
    let mut counting =
        Counting { mark: find.as_deref().and_then(Needle::of), open: None, bytes: 0, looked_at: 0, told: 0 };
    let mut reading = in_background(reading, Reading::find_start).await?.0;
    loop {
        let (then, (back, stretches)) = in_background(reading, move |reading| {
            let stretches = counting.go_on(reading)?;
            Ok((counting, stretches))
        })
        .await?;
        (reading, counting) = (then, back);
        for stretch in stretches {
            if sender.send(Ok(stretch)).await.is_err() {
                return Ok(());
            }
        }
        if sender.is_closed() {
            return Ok(());
        }
        if reading.is_at_end || reading.is_over {
            if let Some(last) = counting.open {
                let _ = sender.send(Ok(last)).await;
            }
            return Ok(());
        }
    }
}

struct Counting {
    mark: Option<Needle>,
    open: Option<Stretch>,
    /// Bytes of what fits of it.
    bytes: usize,
    looked_at: u64,
    told: u64,
}

impl Counting {
    fn go_on(&mut self, reading: &mut Reading) -> io::Result<Vec<Stretch>> {
        let judge = reading.judge.clone();
        let mut complete = Vec::new();
        reading.walk(judge.seeks(), |raw| {
            if let Some(weighed) = judge.weigh(raw, self.mark.as_ref()) {
                self.take(raw, weighed.at, weighed.level, weighed.fits, weighed.is_hit);
            }
            self.looked_at += 1;
            let is_long = self.open.as_ref().is_some_and(|open| open.lines >= LONG);
            if is_long || self.bytes >= WIDE || self.looked_at >= LOOKED_AT {
                self.looked_at = 0;
                self.bytes = 0;
                complete.extend(self.open.take());
            }
            true
        })?;
        Ok(complete)
    }

    fn take(&mut self, raw: &Raw<'_>, at: i64, level: Level, fits: bool, is_hit: bool) {
        let position = || format!("{}-{}", raw.number, raw.offset);
        let open = self.open.get_or_insert_with(|| Stretch {
            position: position(),
            at,
            until: at,
            lines: 0,
            levels: [0; 4],
            found: Vec::new(),
            hits: 0,
        });
        open.levels[level as usize] += 1;
        open.until = at;
        if !fits {
            return;
        }
        if open.lines == 0 {
            open.position = position();
        }
        if is_hit {
            if self.told < TOLD {
                self.told += 1;
                open.found.extend(u32::try_from(open.lines));
            }
            open.hits += 1;
        }
        open.lines += 1;
        self.bytes += raw.text.len();
    }
}
