//! The control socket: one line of JSON each way. Both sides of it.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stoa_domain::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::schedules::ScheduleStatus;
use crate::protocol::SecretText;

/// What process 1 is asked. It has no `Debug`: secrets may be in it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    SoftRestart,
    Stop {
        grace: Option<u64>,
    },
    Status,
    /// It is this sandbox's turn to run what is to be run at its times.
    RunSchedules,
    /// These stand in nothing that is written from now on. One of an earlier Stoa knows no such order, and gives no
    /// answer to it.
    LeaveOut {
        secrets: Vec<SecretText>,
    },
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Response {
    Done,
    Status(Status),
    Refused(String),
}

/// One process, now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Empty for the application itself.
    pub name: String,
    /// Its number in the sandbox, while it runs.
    pub pid: Option<i32>,
    /// Microseconds of UTC: since when.
    #[serde(default)]
    pub began: Option<i64>,
    /// How often it has ended by itself.
    pub ends: u64,
    /// How it ended the last time: `status 1`, `signal SIGKILL`.
    pub last_end: Option<String>,
}

/// The sandbox, now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub processes: Vec<ProcessStatus>,
    /// Connections to the application.
    pub connections: usize,
    /// Whether it is being restarted or stopped.
    pub is_restarting: bool,
    #[serde(default)]
    pub schedules: Vec<ScheduleStatus>,
    /// Whether it is this sandbox's turn to run them.
    #[serde(default)]
    pub runs_schedules: bool,
}

impl Status {
    /// The application itself.
    #[must_use]
    pub fn application(&self) -> Option<&ProcessStatus> {
        self.processes.first()
    }
}

/// Longest answer; and longest request, with all that was secret of an instance.
const LONGEST: u64 = 64 * 1024;
const LONGEST_REQUEST: u64 = 8 << 20;

/// The agent's side.
pub struct Control;

impl Control {
    /// # Errors
    /// Where process 1 doesn't answer within `patience`.
    pub async fn status(socket: &Path, patience: Duration) -> io::Result<Status> {
        match ask(socket, &Request::Status, patience).await? {
            Response::Status(status) => Ok(status),
            other => Err(io::Error::other(format!("an answer to another question: {other:?}"))),
        }
    }

    /// Resolves when the processes have been started again.
    ///
    /// # Errors
    /// Where process 1 doesn't do it within `patience`.
    pub async fn soft_restart(socket: &Path, patience: Duration) -> io::Result<()> {
        done(ask(socket, &Request::SoftRestart, patience).await?)
    }

    /// From now on it is this sandbox's turn to run what is to be run at its times.
    ///
    /// # Errors
    /// Where process 1 doesn't answer within `patience`.
    pub async fn run_schedules(socket: &Path, patience: Duration) -> io::Result<()> {
        done(ask(socket, &Request::RunSchedules, patience).await?)
    }

    /// These stand in nothing any more that is written to the log, besides what it leaves out already.
    ///
    /// # Errors
    /// Where process 1 doesn't answer within `patience`, or is of an earlier Stoa that doesn't know of this.
    pub async fn leave_out(socket: &Path, secrets: Vec<Secret>, patience: Duration) -> io::Result<()> {
        let secrets = secrets.into_iter().map(SecretText).collect();
        done(ask(socket, &Request::LeaveOut { secrets }, patience).await?)
    }

    /// Resolves when all processes have ended; then process 1 ends too. Each has `grace`, or the time that it asks for
    /// itself.
    ///
    /// # Errors
    /// Where process 1 doesn't do it within `patience`.
    pub async fn stop(socket: &Path, grace: Option<Duration>, patience: Duration) -> io::Result<()> {
        done(ask(socket, &Request::Stop { grace: grace.map(|grace| grace.as_secs()) }, patience).await?)
    }
}

fn done(response: Response) -> io::Result<()> {
    match response {
        Response::Done => Ok(()),
        other => Err(io::Error::other(format!("{other:?}"))),
    }
}

async fn ask(socket: &Path, request: &Request, patience: Duration) -> io::Result<Response> {
    let asking = async {
        let mut stream = super::connect(socket).await?;
        let mut line = Zeroizing::new(serde_json::to_vec(request)?);
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        BufReader::new(stream.take(LONGEST)).read_line(&mut answer).await?;
        Ok(serde_json::from_str(&answer)?)
    };
    tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Process 1's side: reads the request of one connection.
pub(super) async fn read(stream: &mut UnixStream) -> io::Result<Request> {
    let mut line = Zeroizing::new(String::new());
    BufReader::new(stream.take(LONGEST_REQUEST)).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

pub(super) async fn answer(stream: &mut UnixStream, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// As long as it is for as long as nothing goes wrong.
    const LONG: Duration = Duration::from_secs(60);

    fn secrets() -> Vec<Secret> {
        // Longer than any other request.
        ["one\n\"two\"", &"x".repeat(200_000)].map(|text| Secret::from_text(text.to_owned())).into()
    }

    #[tokio::test]
    async fn what_is_to_be_left_out_is_told_whole() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("control.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let asking = tokio::spawn(async move { Control::leave_out(&socket, secrets(), LONG).await });
        let mut stream = listener.accept().await.unwrap().0;
        let Request::LeaveOut { secrets: told } = read(&mut stream).await.unwrap() else {
            panic!("another request");
        };
        assert!(told.iter().map(|text| text.0.reveal()).eq(secrets().iter().map(Secret::reveal)));
        answer(&mut stream, &Response::Done).await.unwrap();
        asking.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn one_of_an_earlier_stoa_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("control.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let asking = tokio::spawn(async move { Control::leave_out(&socket, secrets(), LONG).await });
        // What it can't read it gives no answer to, and it reads no more of it than this.
        let mut stream = listener.accept().await.unwrap().0;
        let _ = stream.read(&mut [0; 64 * 1024]).await.unwrap();
        drop(stream);
        assert_ne!(asking.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
