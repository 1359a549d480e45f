//! Telling the refs, and sending packs. A pack goes on only while the right to it does.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http::request::Parts;
use stoa_app::{Failure, Fault};
use stoa_domain::Refusal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout};
use tokio::sync::mpsc;

use super::commands::line;
use super::input::Input;
use super::places::{Own, Place};
use super::program::{git, last_words};
use super::{Entered, Git, Service, answered};
use crate::lease::Lease;

/// Bytes of a request for a pack: names of commits, a hundred thousand of them at most.
const LARGEST_REQUEST: u64 = 8 * 1024 * 1024;
/// A request has come whole within this time.
const REQUEST_WITHIN: Duration = Duration::from_secs(120);
const PIECE: usize = 64 * 1024;
/// A client that takes longer over one piece keeps a place from others.
const PIECE_WITHIN: Duration = Duration::from_secs(60);

/// Only protocols that git knows are told on.
fn protocol(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get("git-protocol")?.to_str().ok()?;
    matches!(value, "version=2" | "version=1" | "version=0").then_some(value)
}

impl Git {
    pub(super) async fn advertise(
        &self,
        parts: &Parts,
        service: Service,
        entered: &Entered,
        own: Own,
    ) -> Result<Response<Body>, Failure> {
        let place = self.inner.places.of_workspace(own, entered.workspace);
        let place = entered.lease.while_it_holds(place).await??;
        let verb = if service == Service::Fetch { "upload-pack" } else { "receive-pack" };
        let folder = self.folder(entered.project);
        let settings = self.settings();
        let mut command = git(verb, &["--stateless-rpc", "--http-backend-info-refs"], &settings, &folder);
        let protocol = protocol(parts).filter(|_| service == Service::Fetch);
        if let Some(protocol) = protocol {
            command.env("GIT_PROTOCOL", protocol);
        }
        let output = command.stdin(std::process::Stdio::null()).output();
        let output = entered.lease.while_it_holds(output).await?.map_err(missing)?;
        drop(place);
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Fault::new(format!("git {verb} told no refs: {words}")).into());
        }
        let mut body = Vec::new();
        if protocol != Some("version=2") {
            body.extend(line(format!("# service={}\n", service.name()).as_bytes()));
            body.extend_from_slice(b"0000");
        }
        body.extend(output.stdout);
        Ok(answered(&format!("application/x-{}-advertisement", service.name()), Body::from(body)))
    }

    pub(super) async fn fetch(
        &self,
        parts: &Parts,
        body: Body,
        entered: Entered,
        own: Own,
    ) -> Result<Response<Body>, Failure> {
        // Whole before a program runs: whoever sends it slowly holds nothing but a place of their own.
        let whole = Input::new(parts, body, LARGEST_REQUEST)?.whole(REQUEST_WITHIN);
        let request = entered.lease.while_it_holds(whole).await??;
        let place = self.inner.places.of_workspace(own, entered.workspace);
        let place = entered.lease.while_it_holds(place).await??;
        let folder = self.folder(entered.project);
        let settings = self.settings();
        let mut command = git("upload-pack", &["--stateless-rpc"], &settings, &folder);
        if let Some(protocol) = protocol(parts) {
            command.env("GIT_PROTOCOL", protocol);
        }
        let mut child = command.spawn().map_err(missing)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Fault::new("git has no streams").into());
        };
        let stderr = child.stderr.take();
        tokio::spawn(async move {
            // A program that wants no more of it has said so on its output.
            let _ = stdin.write_all(&request).await;
        });
        tokio::spawn(async move {
            let words = last_words(stderr).await;
            if !words.is_empty() {
                tracing::debug!(words, "git upload-pack");
            }
        });
        let lease = Arc::new(entered.lease);
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(Pack { stdout, child, lease: lease.clone(), _place: place }.send(sender));
        let pieces = stream::unfold((receiver, lease), |(mut receiver, lease)| async move {
            let piece = tokio::select! {
                biased;
                _ = lease.ended() => Some(Err(std::io::Error::other("the right to fetch has ended"))),
                piece = receiver.recv() => piece,
            };
            Some((piece?, (receiver, lease)))
        });
        Ok(answered("application/x-git-upload-pack-result", Body::from_stream(pieces)))
    }

    /// Settings that this installation adds.
    pub(super) fn settings(&self) -> Vec<String> {
        let hooks = self.inner.hosting.hooks_folder.display();
        vec![
            format!("core.hooksPath={hooks}"),
            format!("receive.maxInputSize={}", self.inner.hosting.largest_push),
        ]
    }
}

pub(super) fn missing(error: std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        tracing::error!("the git program isn't installed, or the repository's folder isn't there");
        return Refusal::Unavailable.into();
    }
    Fault::new(error).into()
}

/// A pack on its way. The program and its place end with it, whether or not the client still listens.
struct Pack {
    stdout: ChildStdout,
    child: Child,
    lease: Arc<Lease>,
    _place: Place,
}

impl Pack {
    async fn send(mut self, sender: mpsc::Sender<std::io::Result<Bytes>>) {
        loop {
            let piece = match self.piece().await {
                Ok(Some(piece)) => Ok(piece),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            let is_over = piece.is_err();
            // Its end mustn't look like the end of a whole pack: the place is free, and the client hears of it as soon as
            // it listens.
            let broken = tokio::select! {
                biased;
                _ = self.lease.ended(), if !is_over => "the right to fetch has ended",
                taken = sender.send_timeout(piece, PIECE_WITHIN) => match taken {
                    Ok(()) if !is_over => continue,
                    Err(mpsc::error::SendTimeoutError::Timeout(_)) => "the pack was taken too slowly",
                    _ => return,
                },
            };
            tracing::debug!(broken, "a pack breaks off");
            drop(self);
            let _ = sender.send(Err(std::io::Error::other(broken))).await;
            return;
        }
    }

    async fn piece(&mut self) -> std::io::Result<Option<Bytes>> {
        let mut piece = vec![0; PIECE];
        let count = tokio::select! {
            biased;
            _ = self.lease.ended() => return Err(std::io::Error::other("the right to fetch has ended")),
            count = self.stdout.read(&mut piece) => count?,
        };
        if count > 0 {
            piece.truncate(count);
            return Ok(Some(Bytes::from(piece)));
        }
        let status = self.child.wait().await?;
        // A pack that broke off mustn't look like a whole one.
        if status.success() { Ok(None) } else { Err(std::io::Error::other("git upload-pack failed")) }
    }
}
