//! `/v1/instances/{id}/backups`: made and brought back as operations; seen, removed and read at once.

use std::ops::Range;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use stoa_domain::{DeploymentId, InstanceId, ReleaseId};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::ask::{Answer, Asked, Id, Ordered, Told};
use super::mirrors::commit;
use super::operations::{Begun, begin};
use super::stream::Leased;
use crate::machine::{Agent, Archive, BackupWork, Command, Refused, RestoreWork};
use crate::protocol::{
    BackupView, BeginBackup, BeginRestore, Code, Problem, REPOSITORY, RepositoryAccess, RepositoryPlace,
};
use crate::restic::{Access, Place};

const PIECE: usize = 64 * 1024;

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::Invalid, detail)
}

fn unknown() -> Problem {
    Problem::new(Code::UnknownBackup, "The repository has no such backup.")
}

fn access(told: RepositoryAccess) -> Result<Access, Problem> {
    let place = match told.place {
        RepositoryPlace::Disk {} => Place::Disk,
        RepositoryPlace::S3 { url, addresses, key_id, key, region } => {
            let is_plain = |text: &str| {
                !text.is_empty() && !text.chars().any(|letter| letter.is_control() || letter == ' ')
            };
            let is_region = region.as_deref().is_none_or(is_plain);
            if !(url.starts_with("https://") || url.starts_with("http://"))
                || !is_plain(&url)
                || !is_plain(&key_id)
                || !is_region
            {
                return Err(invalid("The place of the repository isn't one."));
            }
            if key.0.reveal_text().is_none_or(|key| !is_plain(key)) {
                return Err(invalid("The key to the place of the repository isn't one."));
            }
            let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
            let host = host.map(|host| host.trim_matches(['[', ']']).to_owned());
            let Some(host) = host.filter(|_| !addresses.is_empty()) else {
                return Err(invalid("The place of the repository leads nowhere."));
            };
            Place::S3 { url, host, addresses, key_id, key: key.0, region }
        }
    };
    let password = told.password.0;
    if password.reveal_text().is_none_or(|text| text.len() < 16 || text.chars().any(char::is_control)) {
        return Err(invalid("The password of the repository isn't one."));
    }
    Ok(Access { password, place })
}

fn work(told: BeginBackup) -> Result<BackupWork, Problem> {
    if serde_json::from_str::<serde_json::Value>(&told.settings).is_err() {
        return Err(invalid("The settings aren't JSON."));
    }
    Ok(BackupWork { backup: told.backup, access: access(told.repository)?, settings: told.settings })
}

/// The last backup that a deletion may ask for: a body, or none.
pub(super) struct Last(pub Option<BackupWork>);

impl<S: Send + Sync> FromRequest<S> for Last {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        let Told(told) = Told::<BeginBackup>::from_request(request, state).await?;
        work(told).map(|last| Self(Some(last)))
    }
}

pub(super) async fn create(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<BeginBackup>,
) -> Begun {
    begin(&agent, order, instance, Command::Backup(work(told)?.into()))
}

pub(super) async fn restore(
    Id(instance): Id<InstanceId>,
    Ordered(order): Ordered,
    State(agent): State<Agent>,
    Told(told): Told<BeginRestore>,
) -> Begun {
    let work = RestoreWork {
        backup: told.backup,
        of: InstanceId::new(told.of),
        access: access(told.repository)?,
        safety: told.safety.map(work).transpose()?,
        deployment: DeploymentId::new(told.deployment),
        release: ReleaseId::new(told.release),
        commit: told.commit.as_deref().map(commit).transpose()?,
        size: told.size,
    };
    begin(&agent, order, instance, Command::Restore(work.into()))
}

/// The two ids in the path.
pub(super) struct Of {
    instance: InstanceId,
    backup: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || invalid("An id in the path isn't a UUID.");
        let words = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((instance, backup)) = words.map_err(|_| wrong())?;
        // By the type of another id, so that there is one form.
        let backup = backup.parse::<ReleaseId>().map_err(|_| wrong())?.uuid();
        Ok(Self { instance: instance.parse().map_err(|_| wrong())?, backup })
    }
}

/// What opens the repository, where there is no body that says it.
pub(super) struct Opened(Access);

impl<S: Send + Sync> FromRequestParts<S> for Opened {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wrong = || invalid("The header stoa-repository has to be there, once, and be one.");
        let mut values = parts.headers.get_all(REPOSITORY).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
        let bytes = URL_SAFE_NO_PAD.decode(value.as_bytes()).map_err(|_| wrong())?;
        let told: RepositoryAccess = serde_json::from_slice(&Zeroizing::new(bytes)).map_err(|_| wrong())?;
        access(told).map(Self)
    }
}

pub(super) async fn find(
    of: Of,
    Opened(access): Opened,
    State(agent): State<Agent>,
) -> Result<Answer<BackupView>, Problem> {
    let found = agent.find_backup(of.instance, of.backup, access).await?.ok_or_else(unknown)?;
    Ok(Answer(StatusCode::OK, BackupView { backup: of.backup, snapshot: found.id }))
}

pub(super) async fn delete(
    of: Of,
    Opened(access): Opened,
    State(agent): State<Agent>,
) -> Result<StatusCode, Problem> {
    agent.forget_backup(of.instance, of.backup, access).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Bytes of its files, by which it is known whether all was read.
    #[serde(default)]
    size: u64,
    /// One that was kept isn't taken: what is stored now is to be read.
    #[serde(default)]
    anew: bool,
}

/// The backup as one archive, or the stretch of it that `Range` names, for as long as the lease is renewed. While it is
/// still being made its length isn't known: a whole one comes as it grows, a stretch when it is there.
pub(super) async fn archive(
    of: Of,
    Opened(access): Opened,
    Asked(Wanted { size, anew }): Asked<Wanted>,
    State(agent): State<Agent>,
    headers: HeaderMap,
    leased: Leased,
) -> Result<Response, Problem> {
    if anew {
        agent.drop_archive(of.backup).map_err(Refused::from)?;
    }
    let mut archive = agent.open_archive(of.instance, of.backup, access, size).await?.ok_or_else(unknown)?;
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(parse);
    if range.is_some() {
        let ended = archive.written.wait_for(|written| written.outcome.is_some()).await;
        let failed = |_| Problem::new(Code::Failed, "The archive couldn't be made.");
        if let Some(Err(said)) = &ended.map_err(failed)?.outcome {
            if let Some(damaged) = agent.archive_damage(of.backup, size) {
                return Err(damaged.into());
            }
            return Err(Problem::new(Code::Failed, format!("The archive couldn't be made: {said}.")));
        }
    }
    let (length, is_whole) = {
        let written = archive.written.borrow();
        (written.bytes, written.outcome.is_some())
    };
    let stretch = match range {
        Some((from, _)) if from >= length => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(response);
        }
        Some((from, to)) => Some(from..to.map_or(length, |to| to.saturating_add(1).min(length))),
        None => None,
    };
    let wanted = stretch.clone().unwrap_or(0..u64::MAX);
    let mut response = leased.bytes(pieces(archive, wanted));
    let headers = response.headers_mut();
    insert(headers, header::ETAG, &format!("\"{}\"", of.backup.hyphenated()));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    match stretch {
        Some(Range { start, end }) => {
            insert(headers, header::CONTENT_RANGE, &format!("bytes {start}-{}/{length}", end - 1));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        None if is_whole => _ = headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length)),
        None => {}
    }
    Ok(response)
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// One stretch, from a byte on: `bytes=7-`, `bytes=7-9`. Anything else is as if it weren't there, which is allowed.
fn parse(text: &str) -> Option<(u64, Option<u64>)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    let from = number(from).filter(|_| !from.is_empty())?;
    if to.is_empty() {
        return Some((from, None));
    }
    number(to).filter(|to| *to >= from).map(|to| (from, Some(to)))
}

struct Reading {
    file: Option<tokio::fs::File>,
    archive: Archive,
    wanted: Range<u64>,
}

/// What is wanted of the file, as far as it is written, and then what is written more.
fn pieces(
    archive: Archive,
    wanted: Range<u64>,
) -> impl futures_util::Stream<Item = Result<Bytes, String>> + Send {
    let reading = Reading { file: None, archive, wanted };
    futures_util::stream::unfold(reading, |mut reading| async move {
        let piece = reading.next().await.transpose()?;
        Some((piece, reading))
    })
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, String> {
        if self.wanted.is_empty() {
            return Ok(None);
        }
        let start = self.wanted.start;
        let written = self
            .archive
            .written
            .wait_for(|written| written.bytes > start || written.outcome.is_some())
            .await
            .map_err(|error| error.to_string())?
            .clone();
        match &written.outcome {
            Some(Err(said)) => return Err(said.to_string()),
            Some(Ok(())) if written.bytes <= start => {
                self.wanted = 0..0;
                return Ok(None);
            }
            _ => {}
        }
        let there = written.bytes.min(self.wanted.end) - start;
        let length = usize::try_from(there).unwrap_or(PIECE).min(PIECE);
        let read = async {
            if self.file.is_none() {
                let mut file = tokio::fs::File::from_std(self.archive.file.try_clone()?);
                file.seek(std::io::SeekFrom::Start(start)).await?;
                self.file = Some(file);
            }
            let mut piece = vec![0; length];
            if let Some(file) = &mut self.file {
                file.read_exact(&mut piece).await?;
            }
            std::io::Result::Ok(piece)
        };
        let piece = read.await.map_err(|error| error.to_string())?;
        self.wanted.start += piece.len() as u64;
        Ok(Some(piece.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_stretch_is_one_from_a_byte_on() {
        assert_eq!(parse("bytes=7-"), Some((7, None)));
        assert_eq!(parse("bytes=7-9"), Some((7, Some(9))));
        for other in ["bytes=-7", "bytes=9-7", "bytes=1-2,4-5", "lines=1-", "bytes=+1-", "bytes=-", ""] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
