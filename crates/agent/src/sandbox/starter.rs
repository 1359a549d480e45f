//! One thread that starts programs and never ends. The kernel ends what is to die with us when the *thread* that started
//! it ends, and threads of the runtime come and go.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Does it in that thread.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    static STARTER: OnceLock<Result<mpsc::Sender<Work>, io::ErrorKind>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| begin().map_err(|error| error.kind()));
    let (sender, outcome) = oneshot::channel();
    let work: Work = Box::new(move || {
        // Whoever waited may have given up.
        let _ = sender.send(work());
    });
    starter.as_ref().map_err(|kind| io::Error::from(*kind))?.send(work).map_err(|_| gone())?;
    outcome.await.map_err(|_| gone())
}

fn begin() -> io::Result<mpsc::Sender<Work>> {
    let (sender, works) = mpsc::channel::<Work>();
    std::thread::Builder::new()
        .name("starter".to_owned())
        .spawn(move || works.iter().for_each(|work| work()))?;
    Ok(sender)
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts programs has ended")
}
