//! The clients: kept connections that ask one request after the other. It knows nothing of what is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measured::middle;

/// How long one side is asked before it is the other's turn.
const TURN: Duration = Duration::from_millis(1500);
const TURNS: usize = 3;

/// Numbers requests over all turns, so that no two create the same.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Who is asked what.
pub struct Load {
    pub address: SocketAddr,
    /// The bytes of a request of that number.
    pub request: Arc<dyn Fn(usize) -> String + Send + Sync>,
}

/// Requests a second of both: the middle one of some turns each.
pub async fn compare(here: &Load, bare: &Load, connections: usize) -> (f64, f64) {
    // The first turn warms up, and counts for nothing.
    let _ = (turn(here, connections).await, turn(bare, connections).await);
    let (mut of_here, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        of_here.push(turn(here, connections).await);
        of_bare.push(turn(bare, connections).await);
    }
    (middle(of_here), middle(of_bare))
}

async fn turn(load: &Load, connections: usize) -> f64 {
    let begun = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (address, request) = (load.address, load.request.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.expect("a connection");
                stream.set_nodelay(true).expect("no delay");
                let mut answered = 0_usize;
                let mut kept = Vec::with_capacity(64 * 1024);
                while begun.elapsed() < TURN {
                    let bytes = request(NUMBER.fetch_add(1, Ordering::Relaxed));
                    stream.write_all(bytes.as_bytes()).await.expect("a request is sent");
                    answer(&mut stream, &mut kept).await;
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.expect("a client");
    }
    #[allow(clippy::cast_precision_loss)]
    let answered = answered as f64;
    answered / begun.elapsed().as_secs_f64()
}

/// Reads one answer whole, and demands that it is a good one.
async fn answer(stream: &mut TcpStream, kept: &mut Vec<u8>) {
    kept.clear();
    let mut chunk = [0_u8; 16 * 1024];
    loop {
        let read = stream.read(&mut chunk).await.expect("an answer");
        assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(kept));
        kept.extend_from_slice(&chunk[..read]);
        let Some(head) = kept.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&kept[..head]).to_lowercase();
        assert!(text.starts_with("http/1.1 20"), "{}", String::from_utf8_lossy(kept));
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .expect("a length")
            .trim()
            .parse()
            .expect("a number");
        if kept.len() >= head + 4 + length {
            return;
        }
    }
}
