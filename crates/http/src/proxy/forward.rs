//! One request to an application and its answer back; and what asks to change its protocol, as a tunnel.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use stoa_app::host::HostedInstance;
use tokio::time::Instant;

use super::clean::{self, Asker};
use super::connect::Session;
use super::connections::{self, Sender};
use super::hold::{Patience, Place};
use super::noted::Noted;
use super::stream::{Carried, Return, Watched};
use super::{Applications, At, Notice, Proxy, bare, host, visitor};
use crate::lease::Lease;

/// An application that is said to run is tried for this long: its init may be starting it anew.
const TRIED: Duration = Duration::from_secs(5);

/// What a request passes with.
pub(super) struct Passing {
    pub instance: HostedInstance,
    /// Where the right to it may end.
    pub lease: Option<Arc<Lease>>,
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// As one of the application's users.
    pub connected: Option<Session>,
}

/// Writes a request down when it is over, also where nobody waits for the answer any more.
struct Noting {
    applications: Arc<dyn Applications>,
    at: At,
    noted: Option<Noted>,
    status: Option<StatusCode>,
}

impl Drop for Noting {
    fn drop(&mut self) {
        if let Some(noted) = self.noted.take() {
            let status = self.status.map_or(super::noted::LEFT, |status| status.as_u16());
            self.applications.note(self.at, status, noted.line(self.status));
        }
    }
}

/// A request as it is sent, and once more should the first try not have reached the application.
struct Outgoing {
    parts: Parts,
    body: Option<Body>,
    /// Sending it twice does no harm, and it has no body.
    repeatable: bool,
}

impl Proxy {
    /// A request is handed on, counted and written down.
    pub(super) async fn forward(
        &self,
        parts: Parts,
        body: Body,
        host: &str,
        instance: &HostedInstance,
        passing: Passing,
    ) -> Response<Body> {
        let noted = Noted::of(&parts, &self.frame.site, passing.connected.is_some());
        let mut noting = Noting {
            applications: self.applications.clone(),
            at: At::of(instance),
            noted: Some(noted),
            status: None,
        };
        let response = self.hand_on(parts, body, host, instance, passing).await;
        noting.status = Some(response.status());
        response
    }

    async fn hand_on(
        &self,
        mut parts: Parts,
        body: Body,
        host: &str,
        instance: &HostedInstance,
        passing: Passing,
    ) -> Response<Body> {
        let Passing { lease, until, connected, .. } = passing;
        let Some(asked_for) = host::authority(&parts) else {
            return visitor::page(&parts, Notice::BadRequest);
        };
        // The name in its one form, the port as it was asked for.
        let port = asked_for.split_once(':').map(|(_, port)| port);
        let own_host = connected.as_ref().map_or(host, |session| &session.own_host);
        let authority = port.map_or_else(|| own_host.to_owned(), |port| format!("{own_host}:{port}"));
        let Some(place) = self.requests.enter(instance.id) else {
            return visitor::page(&parts, Notice::Crowded);
        };
        let asked = parts.headers.clone();
        let upgrade = wanted_upgrade(&parts);
        let below = parts.extensions.remove::<OnUpgrade>().filter(|_| upgrade.is_some());
        let address = crate::peer::address(&self.frame.site, &parts);
        let asker =
            Asker { address: address.as_deref(), authority: &authority, secure: self.frame.site.secure };
        clean::request(&mut parts.headers, &asker, upgrade.as_ref());
        if let Some(session) = &connected {
            session.request(&mut parts.headers, &self.frame.site, port);
        }
        let has_body = !body.is_end_stream();
        // Where the length was told, it is told on; hyper reads it from the body.
        let body = match &lease {
            Some(lease) if has_body => Body::new(Carried {
                body,
                watched: Some(Watched::lease(lease.clone(), until)),
                connection: None,
                _place: None,
            }),
            _ => body,
        };
        let repeatable = !has_body && matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let outgoing = Outgoing { parts: outward(&parts), body: Some(body), repeatable };
        let ended = if connected.is_some() { Notice::ConnectOver } else { Notice::NotAllowed };
        // While it waits for a restart, or for the application, the right may go: then it isn't sent, or isn't answered.
        let answer = match &lease {
            None => Some(self.carry(outgoing, instance).await),
            Some(lease) => tokio::select! {
                biased;
                () = Watched::lease(lease.clone(), until).ended() => None,
                answer = self.carry(outgoing, instance) => Some(answer),
            },
        };
        let original = {
            parts.headers = asked;
            parts
        };
        let Some(answer) = answer else { return visitor::page(&original, ended) };
        let (mut response, sender, generation) = match answer {
            Ok(answer) => answer,
            Err(notice) => return visitor::page(&original, notice),
        };
        if let Some(session) = &connected {
            if let Err(failure) = self.keep_cookies(session, response.headers_mut()).await {
                return super::failed(&original, failure);
            }
            session.response(response.headers_mut(), &self.frame.site, port);
        }
        if lease.as_ref().is_some_and(|lease| lease.check().is_err()) {
            return visitor::page(&original, ended);
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match (below, upgrade) {
                (Some(below), Some(asked)) => {
                    let watched = self.watched(lease, until, instance, host);
                    tunnel(response, below, &asked, host, watched, place)
                }
                _ => visitor::page(&original, Notice::Unreachable),
            };
        }
        let reused =
            Return { connections: self.connections.clone(), at: At::of(instance), generation, sender };
        // What tells its length is over soon; what doesn't may go on for days.
        let goes_on = !response.body().is_end_stream()
            && (lease.is_some() || response.body().size_hint().exact().is_none());
        let for_members = lease.is_some();
        let watched = goes_on.then(|| self.watched(lease, until, instance, host));
        answer_with(response, host, watched, for_members, place, reused)
    }

    /// The right by which something goes on.
    fn watched(
        &self,
        lease: Option<Arc<Lease>>,
        until: Option<Instant>,
        instance: &HostedInstance,
        host: &str,
    ) -> Watched {
        match lease {
            Some(lease) => Watched::lease(lease, until),
            None => Watched::public(self.openness.follow(&self.frame.app, instance.id, host)),
        }
    }

    /// Sends it, by a connection that is there or by a new one, and waits while the instance restarts.
    async fn carry(
        &self,
        mut outgoing: Outgoing,
        instance: &HostedInstance,
    ) -> Result<(Response<Incoming>, Sender, u64), Notice> {
        let mut patience = Patience::new();
        let mut tried: Option<(u64, Instant)> = None;
        loop {
            let generation = self.until_served(instance, &mut patience).await?;
            match self.send(&mut outgoing, instance, generation).await {
                Ok((response, sender)) => return Ok((response, sender, generation)),
                Err(again) => {
                    // Each of its running forms for as long: what was tried before it restarted says nothing of it.
                    let (_, until) = *match &mut tried {
                        Some(same) if same.0 == generation => same,
                        other => other.insert((generation, Instant::now() + TRIED)),
                    };
                    let route = self.applications.route(At::of(instance));
                    let is_same = route.state == super::RouteState::Running && route.generation == generation;
                    if !again || (is_same && Instant::now() >= until) {
                        return Err(Notice::Unreachable);
                    }
                    if is_same {
                        self.a_moment().await;
                    }
                }
            }
        }
    }

    /// `Err(true)`: the application has seen nothing of it, or it may be sent again.
    async fn send(
        &self,
        outgoing: &mut Outgoing,
        instance: &HostedInstance,
        generation: u64,
    ) -> Result<(Response<Incoming>, Sender), bool> {
        // An application may close a kept connection while a request is on its way; what can't be sent twice
        // therefore always goes by a new one.
        let kept =
            if outgoing.repeatable { self.connections.take(At::of(instance), generation) } else { None };
        let mut sender = match kept {
            Some(sender) => sender,
            None => {
                let stream = self.applications.open(At::of(instance)).await.map_err(|_| true)?;
                connections::speak(stream).await.map_err(|_| true)?
            }
        };
        let request = Request::from_parts(outward(&outgoing.parts), outgoing.body.take().unwrap_or_default());
        match sender.try_send_request(request).await {
            Ok(response) => Ok((response, sender)),
            Err(mut failed) => match failed.take_message() {
                // It never left.
                Some(request) => {
                    outgoing.body = Some(request.into_body());
                    Err(true)
                }
                None => Err(outgoing.repeatable),
            },
        }
    }
}

/// The head as it is sent: the path alone, by the one version that applications are spoken to.
fn outward(parts: &Parts) -> Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = parts.method.clone();
    head.version = Version::HTTP_11;
    head.headers = parts.headers.clone();
    head.uri = match parts.uri.path_and_query() {
        Some(path) => Uri::from(path.clone()),
        None => Uri::from_static("/"),
    };
    head
}

/// The protocol that a request asks to change to, where it does so in the one right way.
fn wanted_upgrade(parts: &Parts) -> Option<HeaderValue> {
    let connection = parts.headers.get_all(header::CONNECTION).iter();
    let named = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    let mut protocols = parts.headers.get_all(header::UPGRADE).iter();
    let protocol = protocols.next().filter(|_| named && protocols.next().is_none())?;
    // An upgrade of HTTP itself would pass requests by unseen.
    let text = protocol.to_str().ok()?.to_ascii_lowercase();
    (parts.method == Method::GET && !text.starts_with("h2") && !text.contains("http"))
        .then(|| protocol.clone())
}

fn answer_with(
    response: Response<Incoming>,
    host: &str,
    watched: Option<Watched>,
    for_members: bool,
    place: Place,
    reused: Return,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    clean::response(&mut parts.headers, host);
    if for_members {
        // What members alone may see isn't kept for others on its way.
        parts.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private"));
    }
    parts.version = Version::HTTP_11;
    parts.extensions.clear();
    let is_over = body.is_end_stream();
    let mut carried = Carried { body, watched, connection: Some(reused), _place: Some(place) };
    if is_over {
        carried.end();
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::new(carried))
}

/// Joins both sides once each has changed its protocol. It ends with the right to it.
fn tunnel(
    mut response: Response<Incoming>,
    below: OnUpgrade,
    asked: &HeaderValue,
    host: &str,
    watched: Watched,
    place: Place,
) -> Response<Body> {
    let above = hyper::upgrade::on(&mut response);
    let protocol = response.headers().get(header::UPGRADE).cloned().unwrap_or_else(|| asked.clone());
    let mut answer = bare(StatusCode::SWITCHING_PROTOCOLS);
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    clean::response(answer.headers_mut(), host);
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.headers_mut().insert(header::UPGRADE, protocol);
    tokio::spawn(async move {
        let _place = place;
        let (Ok(below), Ok(above)) = tokio::join!(below, above) else { return };
        let (mut below, mut above) = (TokioIo::new(below), TokioIo::new(above));
        let joined = tokio::io::copy_bidirectional(&mut below, &mut above);
        // Either side's end is its own affair.
        tokio::select! {
            _ = joined => {}
            () = watched.ended() => {}
        }
    });
    answer
}
