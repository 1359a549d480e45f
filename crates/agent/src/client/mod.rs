//! The client of the agent's protocol, over one connection.

mod backups;
mod call;
mod desks;
mod error;
mod stream;
mod visitors;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::Method;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use stoa_domain::branch::CommitId;
use stoa_domain::metrics::MetricsRange;
use stoa_domain::{InstanceId, JobId, ProjectId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::link::{PING, SILENCE};
use crate::protocol::{
    BeginDeployment, Commanded, EndSession, EventView, HelloView, InstanceMetricsView, InstanceView,
    InstancesView, LineView, ListUsers, LogQuery, MachineMetricsView, MachineView, MirrorView, Mode, Nothing,
    OpenSession, OpenedView, OperationView, Order, PROTOCOL, ProcessesView, PutInstance, RestartInstance,
    StretchView, SwitchRelease, TellSecrets, UsersView,
};

use call::{Asking, Sent, of_json, of_nothing};

pub use backups::ArchiveAnswer;
pub use desks::{Bytestream, Desk, ReadFile, ReadPack, Terminal};
pub use error::ClientError;

/// How long an answer may take, to its end where it isn't followed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same where a pack is made or checked before; and for how long none of one may be taken that is sent.
const PATIENCE_FOR_PACKS: Duration = Duration::from_secs(600);

/// Bytes of one answer that come in before anybody has read them.
const WINDOW: u32 = 128 * 1024;

/// For all answers together: one that isn't read holds up no other.
const ALL_WINDOWS: u32 = 1 << 30;

/// Streams that were given up a moment ago, of which it is remembered that they were there.
const GIVEN_UP: usize = 4096;

/// A connection to an agent. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    sender: Asking,
    hello: HelloView,
    ended: CancellationToken,
    /// Cancelled, it ends the connection.
    end: CancellationToken,
}

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// Greets the agent at the other end.
    ///
    /// # Errors
    /// Where nobody answers there, or with a protocol that isn't spoken here.
    pub async fn connect(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Answer<Self> {
        Self::greet(builder(), connection).await
    }

    /// The same by a link, which ends where the other side isn't heard any more.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn connect_by_link(
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Answer<Self> {
        let mut builder = builder();
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(SILENCE)
            .keep_alive_while_idle(true);
        Self::greet(builder, connection).await
    }

    async fn greet(
        builder: http2::Builder<TokioExecutor>,
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Answer<Self> {
        let (sender, connection) = builder.handshake(TokioIo::new(connection)).await?;
        let (ended, end) = (CancellationToken::new(), CancellationToken::new());
        let (is_over, is_to_end) = (ended.clone(), end.clone());
        tokio::spawn(async move {
            let _over = is_over.drop_guard();
            tokio::select! {
                () = is_to_end.cancelled() => {}
                outcome = connection => if let Err(error) = outcome {
                    tracing::warn!(%error, "the connection to an agent broke");
                },
            }
        });
        let unless_it_stays = end.clone().drop_guard();
        let hello: HelloView = call::read(&sender, "/v1/hello").await?;
        if hello.protocol != PROTOCOL {
            return Err(ClientError::OtherProtocol(hello.protocol));
        }
        unless_it_stays.disarm();
        Ok(Self { sender, hello, ended, end })
    }

    /// Done once nothing more can be asked on this connection.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Ends the connection, with all that is under way on it.
    pub fn end(&self) {
        self.end.cancel();
    }

    /// What the agent said of itself.
    #[must_use]
    pub fn hello(&self) -> &HelloView {
        &self.hello
    }

    /// Whether nothing more can be asked on this connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// # Errors
    /// Why there is no answer.
    pub async fn machine(&self) -> Answer<MachineView> {
        call::read(&self.sender, "/v1/machine").await
    }

    /// How much of the machine was used in a range that ends now.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn machine_metrics(&self, range: MetricsRange) -> Answer<MachineMetricsView> {
        call::read(&self.sender, &format!("/v1/machine/samples?range={}", range.key())).await
    }

    /// How much an instance used in a range that ends now.
    ///
    /// # Errors
    /// `unknown_instance`, or why there is no answer.
    pub async fn instance_metrics(
        &self,
        instance: InstanceId,
        range: MetricsRange,
    ) -> Answer<InstanceMetricsView> {
        call::read(&self.sender, &of(instance, &format!("/samples?range={}", range.key()))).await
    }

    /// All that the machine holds.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn instances(&self) -> Answer<Vec<InstanceView>> {
        let all: InstancesView = call::read(&self.sender, "/v1/instances").await?;
        Ok(all.instances)
    }

    /// What runs of an instance, and what is run at its times.
    ///
    /// # Errors
    /// `unknown_instance`, or why there is no answer.
    pub async fn processes(&self, instance: InstanceId) -> Answer<ProcessesView> {
        call::read(&self.sender, &of(instance, "/processes")).await
    }

    /// Changes from now on, for as long as the stream is held.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn changes(&self) -> Answer<impl Stream<Item = Answer<InstanceView>> + Send + use<>> {
        self.follow("/v1/changes").await
    }

    /// Tells the whole wanted form. The same twice changes nothing.
    ///
    /// # Errors
    /// Why it isn't taken.
    pub async fn put_instance(&self, order: Order, instance: InstanceId, form: &PutInstance) -> Answer<()> {
        self.order(Method::PUT, &of(instance, ""), order, of_json(form)?).await.map(drop)
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn delete_instance(&self, order: Order, instance: InstanceId) -> Answer<OperationView> {
        self.begin(Method::DELETE, instance, "", order, of_nothing()).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn deploy(
        &self,
        order: Order,
        instance: InstanceId,
        wanted: &BeginDeployment,
    ) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/deployments", order, of_json(wanted)?).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn switch_release(
        &self,
        order: Order,
        instance: InstanceId,
        wanted: &SwitchRelease,
    ) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/release", order, of_json(wanted)?).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn start(&self, order: Order, instance: InstanceId) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/start", order, of_json(&Nothing {})?).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn stop(&self, order: Order, instance: InstanceId) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/stop", order, of_json(&Nothing {})?).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn restart(&self, order: Order, instance: InstanceId, mode: Mode) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/restart", order, of_json(&RestartInstance { mode })?).await
    }

    /// How an operation stands.
    ///
    /// # Errors
    /// `unknown_operation`, or why there is no answer.
    pub async fn operation(&self, job: JobId) -> Answer<OperationView> {
        call::read(&self.sender, &format!("/v1/operations/{job}")).await
    }

    /// What happened in an operation behind the event of that number, and what happens, up to its end.
    ///
    /// # Errors
    /// `unknown_operation`, or why there is no answer.
    pub async fn events(
        &self,
        job: JobId,
        after: usize,
    ) -> Answer<impl Stream<Item = Answer<EventView>> + Send + use<>> {
        self.follow(&format!("/v1/operations/{job}/events?after={after}")).await
    }

    /// Asks an operation to end early. One that is over stays as it is.
    ///
    /// # Errors
    /// `unknown_operation`, or why it isn't taken.
    pub async fn cancel(&self, order: Order, job: JobId) -> Answer<()> {
        let path = format!("/v1/operations/{job}/cancel");
        self.order(Method::POST, &path, order, of_json(&Nothing {})?).await.map(drop)
    }

    /// Commits that the machine has of a project.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn mirror_heads(&self, project: ProjectId) -> Answer<Vec<CommitId>> {
        let mirror: MirrorView = call::read(&self.sender, &format!("/v1/mirrors/{project}")).await?;
        let unreadable = |text: &String| ClientError::Unreadable(format!("{text:?} is no commit"));
        mirror.heads.iter().map(|text| CommitId::parse(text).ok_or_else(|| unreadable(text))).collect()
    }

    /// Brings a commit. The pack is sent as fast as it is taken.
    ///
    /// # Errors
    /// Why it isn't taken, or what ended the pack early.
    pub async fn put_pack<E: std::error::Error + Send + Sync + 'static>(
        &self,
        order: Order,
        project: ProjectId,
        commit: &CommitId,
        pack: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Answer<()> {
        let (pack, taken) = call::watched(pack);
        let (body, broken) = call::of_stream(pack);
        let request = call::request(Method::PUT, &format!("/v1/mirrors/{project}?commit={commit}"), body)?;
        let sent = self.order_while_taken(PATIENCE_FOR_PACKS, taken, request, order).await;
        match broken.take() {
            Some(said) if sent.is_err() => Err(ClientError::Pack(said)),
            _ => sent.map(drop),
        }
    }

    /// Lines of a log, for as long as the stream is held.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn logs(
        &self,
        instance: InstanceId,
        query: &LogQuery,
    ) -> Answer<impl Stream<Item = Answer<LineView>> + Send + use<>> {
        self.follow(&of(instance, &call::logs("/logs", query))).await
    }

    /// Tells which values stand in no log of an instance, before one is read.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn tell_secrets(&self, instance: InstanceId, told: &TellSecrets) -> Answer<()> {
        let request = call::request(Method::PUT, &of(instance, "/secrets"), of_json(told)?)?;
        call::send(&self.sender, PATIENCE, request).await.map(drop)
    }

    /// The outline of a log, for as long as the stream is held.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn outline(
        &self,
        instance: InstanceId,
        query: &LogQuery,
    ) -> Answer<impl Stream<Item = Answer<StretchView>> + Send + use<>> {
        self.follow(&of(instance, &call::logs("/logs/outline", query))).await
    }

    /// Users of the application's, as it lists them.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn list_users(
        &self,
        order: Order,
        instance: InstanceId,
        asked: &ListUsers,
    ) -> Answer<Commanded<UsersView>> {
        self.ask(instance, "/commands/list", order, of_json(asked)?).await
    }

    /// Has the application open a session as one of its users.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn open_session(
        &self,
        order: Order,
        instance: InstanceId,
        asked: &OpenSession,
    ) -> Answer<Commanded<OpenedView>> {
        self.ask(instance, "/commands/open", order, of_json(asked)?).await
    }

    /// Has it end one.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn end_session(
        &self,
        order: Order,
        instance: InstanceId,
        asked: &EndSession,
    ) -> Answer<Commanded<Nothing>> {
        self.ask(instance, "/commands/end", order, of_json(asked)?).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        instance: InstanceId,
        rest: &str,
        order: Order,
        body: Sent,
    ) -> Answer<T> {
        let answer = self.order(Method::POST, &of(instance, rest), order, body).await?;
        // What stands in it may be a secret: that it can't be read is all that is said.
        serde_json::from_slice(&answer)
            .map_err(|_| ClientError::Unreadable("the answer of a command".to_owned()))
    }

    async fn begin(
        &self,
        method: Method,
        instance: InstanceId,
        rest: &str,
        order: Order,
        body: Sent,
    ) -> Answer<OperationView> {
        let answer = self.order(method, &of(instance, rest), order, body).await?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Unreadable(error.to_string()))
    }

    async fn follow<T: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Answer<impl Stream<Item = Answer<T>> + Send + use<T>> {
        let (renewals, held) = stream::renewals();
        let mut request = call::request(Method::GET, path, renewals)?;
        crate::protocol::Lease(uuid::Uuid::now_v7()).write(request.headers_mut());
        let answer = call::send(&self.sender, PATIENCE, request).await?;
        Ok(stream::frames(answer.into_body(), held).boxed())
    }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(ALL_WINDOWS)
        // Frames of streams that were given up may still come, for as many as there are: that ends no connection.
        .max_concurrent_reset_streams(GIVEN_UP)
        .max_local_error_reset_streams(None);
    builder
}

fn of(instance: InstanceId, rest: &str) -> String {
    format!("/v1/instances/{instance}{rest}")
}
