//! Desks, asked of an agent.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt};
use http::{HeaderMap, Method};
use http_body_util::BodyStream;
use hyper::body::Incoming;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use stoa_domain::branch::CommitId;
use stoa_domain::{AccountId, InstanceId};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::call::{self, of_json, of_nothing, of_stream, parse};
use super::{Answer, Client, ClientError, PATIENCE, PATIENCE_FOR_PACKS, of};
use crate::protocol::desk::{
    Against, BranchPushed, COMMIT, ChangeFiles, CommitView, DeskEvent, DeskView, DiffView, ListingView,
    MakeCommit, MakePack, MatchesView, MergeBranch, MergedView, OpenDesk, SavedView, SearchFiles, StageFiles,
    StatusView, TAG, TerminalsView,
};
use crate::protocol::header::RENEWAL;
use crate::protocol::piece::{Assembly, Piece, Size};

/// Bytes of a file, of a pack: as they come.
pub type Bytestream = futures_util::stream::BoxStream<'static, Answer<Bytes>>;

/// A file that is being read.
pub struct ReadFile {
    pub tag: String,
    /// Bytes.
    pub size: u64,
    pub bytes: Bytestream,
}

/// A pack that is being made.
pub struct ReadPack {
    pub commit: CommitId,
    pub bytes: Bytestream,
}

/// A terminal: into one end goes what is typed, out of the other comes what is shown. Dropping the first ends neither
/// the terminal nor what runs in it.
pub struct Terminal {
    pub typed: mpsc::Sender<Piece>,
    pub shown: futures_util::stream::BoxStream<'static, Answer<Piece>>,
}

/// A desk on this connection.
pub struct Desk<'c> {
    client: &'c Client,
    path: String,
}

impl Client {
    /// One member's desk on an instance.
    #[must_use]
    pub fn desk(&self, instance: InstanceId, account: AccountId) -> Desk<'_> {
        Desk { client: self, path: of(instance, &format!("/desks/{account}")) }
    }
}

fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut text = String::new();
    let given = pairs.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    for (between, (name, value)) in std::iter::once('?').chain(std::iter::repeat('&')).zip(given) {
        text.push_str(&format!("{between}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    text
}

fn against(against: Against) -> &'static str {
    match against {
        Against::Branch => "branch",
        Against::Head => "head",
        Against::Staged => "staged",
    }
}

fn header(headers: &HeaderMap, name: &str) -> Answer<String> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    value.ok_or_else(|| ClientError::Unreadable(format!("an answer without {name}")))
}

fn bytes_of(body: Incoming) -> Bytestream {
    let data = TryStreamExt::map_err(BodyStream::new(body), ClientError::from);
    data.try_filter_map(|frame| async move { Ok(frame.into_data().ok()) }).boxed()
}

impl Desk<'_> {
    async fn send(&self, method: Method, rest: &str, body: call::Sent) -> Answer<http::Response<Incoming>> {
        let request = call::request(method, &format!("{}{rest}", self.path), body)?;
        call::send(&self.client.sender, PATIENCE_FOR_PACKS, request).await
    }

    async fn ask(&self, method: Method, rest: &str, body: call::Sent) -> Answer<Bytes> {
        let request = call::request(method, &format!("{}{rest}", self.path), body)?;
        call::ask(&self.client.sender, PATIENCE_FOR_PACKS, request).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, rest: &str) -> Answer<T> {
        parse(&self.ask(Method::GET, rest, of_nothing()).await?)
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        rest: &str,
        body: &impl serde::Serialize,
    ) -> Answer<T> {
        parse(&self.ask(Method::POST, rest, of_json(body)?).await?)
    }

    async fn tell(&self, rest: &str, body: &impl serde::Serialize) -> Answer<()> {
        self.send(Method::POST, rest, of_json(body)?).await.map(drop)
    }

    /// Holds it for as long as the stream is held: without anybody who does, it ends. First comes that it is held.
    ///
    /// # Errors
    /// Why it can't be.
    pub async fn hold(&self) -> Answer<impl Stream<Item = Answer<DeskEvent>> + Send + use<>> {
        self.client.follow(&format!("{}/hold", self.path)).await
    }

    /// # Errors
    /// `no_desk` where nobody holds it, `unknown_commit` where its commit has to be brought first.
    pub async fn open(&self, wanted: &OpenDesk) -> Answer<DeskView> {
        self.post("", wanted).await
    }

    /// # Errors
    /// Why it isn't done.
    pub async fn end(&self, discard: bool) -> Answer<()> {
        let query = query(&[("discard", discard.then_some("true"))]);
        self.send(Method::DELETE, &query, of_nothing()).await.map(drop)
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn files(&self, path: &str, after: Option<&str>, limit: Option<usize>) -> Answer<ListingView> {
        let limit = limit.map(|limit| limit.to_string());
        let query = query(&[("path", Some(path)), ("after", after), ("limit", limit.as_deref())]);
        self.get(&format!("/files{query}")).await
    }

    /// # Errors
    /// `missing`, `too_large`, or `invalid` with the reason.
    pub async fn read_file(&self, path: &str) -> Answer<ReadFile> {
        let rest = format!("/file{}", query(&[("path", Some(path))]));
        let answer = self.send(Method::GET, &rest, of_nothing()).await?;
        let tag = header(answer.headers(), TAG)?;
        let size = header(answer.headers(), http::header::CONTENT_LENGTH.as_str())?.parse();
        let size = size.map_err(|_| ClientError::Unreadable("a length that is none".to_owned()))?;
        Ok(ReadFile { tag, size, bytes: bytes_of(answer.into_body()) })
    }

    /// Saves a file: with a `tag` only where it has that still, as `is_new` only where there is none.
    ///
    /// # Errors
    /// `changed`, `conflict`, or `invalid` with the reason.
    pub async fn write_file<E: std::error::Error + Send + Sync + 'static>(
        &self,
        path: &str,
        tag: Option<&str>,
        is_new: bool,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Answer<SavedView> {
        let query = query(&[("path", Some(path)), ("tag", tag), ("new", is_new.then_some("true"))]);
        let (body, _) = of_stream(bytes);
        parse(&self.ask(Method::PUT, &format!("/file{query}"), body).await?)
    }

    /// # Errors
    /// `missing`, `changed`, or `invalid` with the reason.
    pub async fn remove_file(&self, path: &str, tag: Option<&str>) -> Answer<()> {
        let query = query(&[("path", Some(path)), ("tag", tag)]);
        self.send(Method::DELETE, &format!("/file{query}"), of_nothing()).await.map(drop)
    }

    /// # Errors
    /// `missing`, `conflict`, or `invalid` with the reason.
    pub async fn change_files(&self, change: &ChangeFiles) -> Answer<()> {
        self.tell("/files", change).await
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn search(&self, wanted: &SearchFiles) -> Answer<MatchesView> {
        self.post("/search", wanted).await
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn status(&self) -> Answer<StatusView> {
        self.get("/git/status").await
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn diff(&self, with: Against, path: Option<&str>) -> Answer<DiffView> {
        self.get(&format!("/git/diff{}", query(&[("against", Some(against(with))), ("path", path)]))).await
    }

    /// # Errors
    /// `missing` where there was none.
    pub async fn original(&self, with: Against, path: &str) -> Answer<Bytes> {
        let query = query(&[("against", Some(against(with))), ("path", Some(path))]);
        self.ask(Method::GET, &format!("/git/original{query}"), of_nothing()).await
    }

    /// # Errors
    /// `conflict` with git's own words.
    pub async fn stage(&self, wanted: &StageFiles) -> Answer<()> {
        self.tell("/git/stage", wanted).await
    }

    /// # Errors
    /// `conflict` with what stands in the way.
    pub async fn commit(&self, wanted: &MakeCommit) -> Answer<CommitView> {
        self.post("/git/commit", wanted).await
    }

    /// # Errors
    /// `unknown_commit` where it has to be brought first, `conflict` with what stands in the way.
    pub async fn merge(&self, wanted: &MergeBranch) -> Answer<MergedView> {
        self.post("/git/merge", wanted).await
    }

    /// # Errors
    /// `conflict` where the desk doesn't have the commit.
    pub async fn pushed(&self, wanted: &BranchPushed) -> Answer<()> {
        self.tell("/git/pushed", wanted).await
    }

    /// # Errors
    /// `changed` where the branch has more, `conflict` where there is nothing to push.
    pub async fn pack(&self, wanted: &MakePack) -> Answer<ReadPack> {
        let answer = self.send(Method::POST, "/pack", of_json(wanted)?).await?;
        let commit = CommitId::parse(&header(answer.headers(), COMMIT)?);
        let commit = commit.ok_or_else(|| ClientError::Unreadable("a pack of no commit".to_owned()))?;
        Ok(ReadPack { commit, bytes: bytes_of(answer.into_body()) })
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn terminals(&self) -> Answer<Vec<Uuid>> {
        let view: TerminalsView = self.get("/terminals").await?;
        Ok(view.terminals)
    }

    /// # Errors
    /// Why it isn't done.
    pub async fn end_terminal(&self, terminal: Uuid) -> Answer<()> {
        self.send(Method::DELETE, &format!("/terminals/{terminal}"), of_nothing()).await.map(drop)
    }

    /// Opens a terminal, or finds one again; its lease is renewed for as long as what is typed can still come.
    ///
    /// # Errors
    /// `missing` where it isn't there, `conflict` where there are too many.
    pub async fn terminal(&self, terminal: Uuid, is_new: bool, size: Size) -> Answer<Terminal> {
        let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
        let query =
            query(&[("new", is_new.then_some("true")), ("columns", Some(&columns)), ("rows", Some(&rows))]);
        let (typed, receiver) = mpsc::channel::<Piece>(16);
        let mut ticks = tokio::time::interval(RENEWAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let pieces =
            futures_util::stream::unfold((receiver, ticks), |(mut receiver, mut ticks)| async move {
                let piece = tokio::select! {
                    biased;
                    _ = ticks.tick() => Piece::Lease,
                    piece = receiver.recv() => piece?,
                };
                Some((Ok::<_, std::convert::Infallible>(piece.encode()), (receiver, ticks)))
            });
        let (body, _) = of_stream(pieces);
        let path = format!("{}/terminals/{terminal}{query}", self.path);
        let request = call::request(Method::POST, &path, body)?;
        let answer = call::send(&self.client.sender, PATIENCE, request).await?;
        let parts = (bytes_of(answer.into_body()), Assembly::default(), false);
        let shown = futures_util::stream::unfold(parts, |(mut body, mut pieces, is_over)| async move {
            if is_over {
                return None;
            }
            loop {
                match pieces.take() {
                    Ok(Some(piece)) => return Some((Ok(piece), (body, pieces, false))),
                    Ok(None) => {}
                    Err(error) => {
                        let error = ClientError::Unreadable(error.to_string());
                        return Some((Err(error), (body, pieces, true)));
                    }
                }
                match body.next().await? {
                    Ok(part) => pieces.add(&part),
                    Err(error) => return Some((Err(error), (body, pieces, true))),
                }
            }
        });
        Ok(Terminal { typed, shown: shown.boxed() })
    }
}
