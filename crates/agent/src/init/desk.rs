//! Process 1 of a desk. It starts what the agent asks for on a socket that nothing in the desk can reach: programs whose
//! input and output travel over that connection, and terminals, which stay when it ends.
//!
//! Each connection wants one thing, said in its first piece. What is started has the rights of the instance's user and
//! none of the agent's descriptors.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, pipe2};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use uuid::Uuid;

use super::process::Children;
use super::terminal::{Terminal, Wanted};
use super::{Orders, descriptor, inside};
use crate::protocol::piece::{self, PORTION, Piece, Reader, Size};

/// Terminals that are open at once.
const MOST_TERMINALS: usize = 16;

/// Programs that run at once for the agent.
const MOST_PROGRAMS: usize = 32;

/// How long what a program left behind may still write after it has ended.
const LINGERS: Duration = Duration::from_millis(500);

/// Pieces on their way to whoever is connected.
const WAITING: usize = 32;

/// What is wanted on a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskRequest {
    Run(RunProgram),
    /// A new terminal.
    Open(OpenTerminal),
    /// One that is there.
    Attach {
        terminal: Uuid,
        size: Size,
    },
    /// Which there are.
    Terminals,
    /// Ends one, with what runs in it.
    End {
        terminal: Uuid,
    },
}

/// A program that ends by itself, or when the connection does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunProgram {
    pub command: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub seconds: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenTerminal {
    pub terminal: Uuid,
    pub command: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub size: Size,
}

struct Desk {
    orders: Orders,
    children: Children,
    terminals: RefCell<HashMap<Uuid, Rc<Terminal>>>,
    programs: RefCell<usize>,
}

pub(super) fn run() -> Result<u8, String> {
    let orders = inside::begin()?;
    inside::end_with_starter()?;
    inside::keep_from_children(descriptor::CONTROL)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("start: {error}"))?;
    LocalSet::new().block_on(&runtime, serve(orders))
}

async fn serve(orders: Orders) -> Result<u8, String> {
    let mut ended = signal(SignalKind::child()).map_err(|error| format!("signals: {error}"))?;
    let control = inside::listener(descriptor::CONTROL)?;
    let desk = Rc::new(Desk {
        orders,
        children: Children::default(),
        terminals: RefCell::default(),
        programs: RefCell::default(),
    });
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            _ = ended.recv() => { let _ = desk.children.reap(); }
            // Signals of the same kind melt together: nobody is left unburied.
            _ = tick.tick() => { let _ = desk.children.reap(); }
            Ok((stream, _)) = control.accept() => {
                let desk = desk.clone();
                tokio::task::spawn_local(async move { desk.attend(stream).await });
            }
        }
    }
}

impl Desk {
    async fn attend(self: Rc<Self>, stream: UnixStream) {
        let (read, mut write) = stream.into_split();
        let mut reader = Reader::new(read);
        let Ok(Some(Piece::Request(text))) = reader.next().await else { return };
        // One writer, whoever has something to say: pieces never mix.
        let (sender, mut pieces) = mpsc::channel::<Piece>(WAITING);
        tokio::task::spawn_local(async move {
            while let Some(piece) = pieces.recv().await {
                if piece::write(&mut write, &piece).await.is_err() {
                    return;
                }
            }
            // Whoever reads to the end sees it.
            let _ = write.shutdown().await;
        });
        let Ok(request) = serde_json::from_slice::<DeskRequest>(&text) else {
            let _ = sender.send(Piece::Refused("The request can't be read.".to_owned())).await;
            return;
        };
        match request {
            DeskRequest::Run(wanted) => self.run_program(wanted, reader, sender).await,
            DeskRequest::Open(wanted) => {
                if self.terminals.borrow().len() >= MOST_TERMINALS {
                    let said = format!("{MOST_TERMINALS} terminals are open already. Close one first.");
                    let _ = sender.send(Piece::Refused(said)).await;
                    return;
                }
                match self.open(&wanted) {
                    Ok(terminal) => terminal.attach(reader, sender, wanted.size).await,
                    Err(error) => {
                        let said = format!("The terminal can't be opened: {error}.");
                        let _ = sender.send(Piece::Refused(said)).await;
                    }
                }
            }
            DeskRequest::Attach { terminal, size } => {
                let found = self.terminals.borrow().get(&terminal).cloned();
                match found {
                    Some(terminal) => terminal.attach(reader, sender, size).await,
                    None => _ = sender.send(Piece::Refused("This terminal is over.".to_owned())).await,
                }
            }
            DeskRequest::Terminals => {
                let open: Vec<Uuid> = self.terminals.borrow().keys().copied().collect();
                if let Ok(text) = serde_json::to_vec(&open) {
                    let _ = sender.send(Piece::Bytes(text.into())).await;
                }
            }
            DeskRequest::End { terminal } => {
                if let Some(terminal) = self.terminals.borrow().get(&terminal) {
                    terminal.end();
                }
                let _ = sender.send(Piece::Begun).await;
            }
        }
    }

    fn open(self: &Rc<Self>, wanted: &OpenTerminal) -> std::io::Result<Rc<Terminal>> {
        let environment = [self.orders.environment.as_slice(), &wanted.environment].concat();
        let wanted_here = Wanted {
            command: &wanted.command,
            environment: &environment,
            folder: &self.orders.working_folder,
            size: wanted.size,
        };
        let (terminal, over) = Terminal::open(&wanted_here, &self.children)?;
        self.terminals.borrow_mut().insert(wanted.terminal, terminal.clone());
        let (desk, id) = (self.clone(), wanted.terminal);
        tokio::task::spawn_local(async move {
            over.await;
            desk.terminals.borrow_mut().remove(&id);
        });
        Ok(terminal)
    }

    async fn run_program(
        &self,
        wanted: RunProgram,
        reader: Reader<OwnedReadHalf>,
        sender: mpsc::Sender<Piece>,
    ) {
        if *self.programs.borrow() >= MOST_PROGRAMS {
            let _ = sender.send(Piece::Refused("Too much runs in this desk already.".to_owned())).await;
            return;
        }
        *self.programs.borrow_mut() += 1;
        if let Err(error) = self.run_to_its_end(wanted, reader, &sender).await {
            let _ = sender.send(Piece::Refused(format!("It can't be run: {error}."))).await;
        }
        *self.programs.borrow_mut() -= 1;
    }

    async fn run_to_its_end(
        &self,
        wanted: RunProgram,
        reader: Reader<OwnedReadHalf>,
        sender: &mpsc::Sender<Piece>,
    ) -> std::io::Result<()> {
        let (input_end, input) = pipe2(OFlag::O_CLOEXEC)?;
        let (out, out_end) = pipe2(OFlag::O_CLOEXEC)?;
        let (err, err_end) = pipe2(OFlag::O_CLOEXEC)?;
        let environment = [self.orders.environment.as_slice(), &wanted.environment].concat();
        let mut command = command(&wanted.command, &environment, &self.orders.working_folder)?;
        command.stdin(input_end).stdout(out_end).stderr(err_end).process_group(0);
        let pid = spawn(&mut command)?;
        // The ends that it was given are its own alone from here on.
        drop(command);
        let ended = self.children.register(pid);
        let out = tokio::task::spawn_local(hand_on(out, sender.clone(), Piece::Bytes));
        let err = tokio::task::spawn_local(hand_on(err, sender.clone(), Piece::Errors));
        let feeding = feed(reader, Sender::from_owned_fd(input)?);
        let status = tokio::select! {
            status = ended => Some(status.unwrap_or_default()),
            // Whoever wanted it is gone.
            () = feeding => None,
            () = tokio::time::sleep(Duration::from_secs(wanted.seconds)) => None,
        };
        if status.is_none() {
            let _ = killpg(pid, Signal::SIGKILL);
            let said = format!("It was ended: it took longer than {} seconds.\n", wanted.seconds);
            let _ = sender.send(Piece::Errors(said.into())).await;
        }
        // What it wrote last belongs to it; what it left running doesn't keep anybody waiting.
        let both = async {
            let _ = out.await;
            let _ = err.await;
        };
        let _ = tokio::time::timeout(LINGERS, both).await;
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = sender.send(Piece::Ended(status.map_or(-1, |said| number(&said)))).await;
        Ok(())
    }
}

/// A program, by an argument vector, with nothing of process 1's around it.
pub(super) fn command(
    command: &[String],
    environment: &[(String, String)],
    folder: &str,
) -> std::io::Result<Command> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "an empty command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(folder).stdin(Stdio::null());
    Ok(command)
}

/// Its end is taken in by process 1 like everybody's.
pub(super) fn spawn(command: &mut Command) -> std::io::Result<Pid> {
    let child = command.spawn()?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(std::io::Error::other)?))
}

/// The status of `status 1`, or of `signal SIGKILL`, as a shell counts it.
pub(super) fn number(said: &str) -> i32 {
    if let Some(status) = said.strip_prefix("status ").and_then(|text| text.parse().ok()) {
        return status;
    }
    let signal = said.strip_prefix("signal ").and_then(|text| text.parse::<Signal>().ok());
    signal.map_or(-1, |signal| 128 + signal as i32)
}

/// Its input, until whoever sends it has gone. An input that has ended is closed; the connection is then only watched.
async fn feed(mut reader: Reader<OwnedReadHalf>, input: Sender) {
    let mut input = Some(input);
    while let Ok(Some(piece)) = reader.next().await {
        match piece {
            Piece::Bytes(bytes) => {
                // A program that reads no more is no fault of whoever feeds it.
                if let Some(open) = &mut input
                    && open.write_all(&bytes).await.is_err()
                {
                    input = None;
                }
            }
            Piece::End => input = None,
            _ => {}
        }
    }
}

async fn hand_on(pipe: OwnedFd, sender: mpsc::Sender<Piece>, as_piece: fn(Bytes) -> Piece) {
    let Ok(mut pipe) = Receiver::from_owned_fd(pipe) else { return };
    let mut portion = vec![0; PORTION];
    while let Ok(count @ 1..) = pipe.read(&mut portion).await {
        let Some(bytes) = portion.get(..count) else { return };
        if sender.send(as_piece(Bytes::copy_from_slice(bytes))).await.is_err() {
            return;
        }
    }
}
