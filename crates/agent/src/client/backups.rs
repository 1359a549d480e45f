//! Backups, asked of an agent.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use stoa_domain::InstanceId;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::call::{of_json, of_nothing};
use super::{Answer, Client, ClientError, PATIENCE, call, of, stream};
use crate::protocol::{
    BackupView, BeginBackup, BeginRestore, Lease, OperationView, Order, REPOSITORY, RepositoryAccess,
};

/// How long a repository may take to be tidied.
const PATIENCE_FOR_TIDYING: Duration = Duration::from_secs(3600);
/// And an archive that is wanted from its middle on to be made.
const PATIENCE_FOR_ARCHIVES: Duration = Duration::from_secs(3600);

/// A backup as an archive, or a stretch of it.
pub struct ArchiveAnswer<S> {
    /// 200, 206 or 416.
    pub status: StatusCode,
    /// Its length, tag and range.
    pub headers: HeaderMap,
    pub bytes: S,
}

fn open(headers: &mut HeaderMap, access: &RepositoryAccess) -> Answer<()> {
    let unwritable = |error: &dyn std::fmt::Display| ClientError::Unwritable(error.to_string());
    let text = Zeroizing::new(serde_json::to_vec(access).map_err(|error| unwritable(&error))?);
    let mut value =
        HeaderValue::try_from(URL_SAFE_NO_PAD.encode(&*text)).map_err(|error| unwritable(&error))?;
    value.set_sensitive(true);
    headers.insert(REPOSITORY, value);
    Ok(())
}

fn one(instance: InstanceId, backup: Uuid, rest: &str) -> String {
    of(instance, &format!("/backups/{}{rest}", backup.hyphenated()))
}

impl Client {
    /// # Errors
    /// Why it isn't begun.
    pub async fn back_up(
        &self,
        order: Order,
        instance: InstanceId,
        wanted: &BeginBackup,
    ) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/backups", order, of_json(wanted)?).await
    }

    /// # Errors
    /// Why it isn't begun.
    pub async fn restore(
        &self,
        order: Order,
        instance: InstanceId,
        wanted: &BeginRestore,
    ) -> Answer<OperationView> {
        self.begin(Method::POST, instance, "/restore", order, of_json(wanted)?).await
    }

    /// Makes a last backup and then deletes the instance; where the first fails, the second isn't done.
    ///
    /// # Errors
    /// Why it isn't begun.
    pub async fn delete_instance_after(
        &self,
        order: Order,
        instance: InstanceId,
        last: &BeginBackup,
    ) -> Answer<OperationView> {
        self.begin(Method::DELETE, instance, "", order, of_json(last)?).await
    }

    /// # Errors
    /// `unknown_backup`, or why there is no answer.
    pub async fn find_backup(
        &self,
        instance: InstanceId,
        backup: Uuid,
        access: &RepositoryAccess,
    ) -> Answer<BackupView> {
        let mut request = call::request(Method::GET, &one(instance, backup, ""), of_nothing())?;
        open(request.headers_mut(), access)?;
        call::parse(&call::ask(&self.sender, PATIENCE, request).await?)
    }

    /// Removes a backup. One that isn't there is no error.
    ///
    /// # Errors
    /// Why it isn't removed.
    pub async fn forget_backup(
        &self,
        instance: InstanceId,
        backup: Uuid,
        access: &RepositoryAccess,
    ) -> Answer<()> {
        let mut request = call::request(Method::DELETE, &one(instance, backup, ""), of_nothing())?;
        open(request.headers_mut(), access)?;
        call::ask(&self.sender, PATIENCE_FOR_TIDYING, request).await.map(drop)
    }

    /// A backup with files of so many bytes as an archive, for as long as its bytes are held. `range` is the header of that
    /// name; `anew`: one that was kept isn't taken.
    ///
    /// # Errors
    /// `unknown_backup`, `disk_full`, or why there is no answer.
    pub async fn archive(
        &self,
        instance: InstanceId,
        backup: Uuid,
        (access, size, anew): (&RepositoryAccess, u64, bool),
        range: Option<HeaderValue>,
    ) -> Answer<ArchiveAnswer<impl Stream<Item = Answer<Bytes>> + Send + use<>>> {
        let (renewals, held) = stream::renewals();
        // An agent of an earlier version knows no other word, and is asked for another alone where it has to be.
        let anew = if anew { "&anew=true" } else { "" };
        let path = one(instance, backup, &format!("/archive?size={size}{anew}"));
        let mut request = call::request(Method::GET, &path, renewals)?;
        let headers = request.headers_mut();
        Lease(Uuid::now_v7()).write(headers);
        open(headers, access)?;
        if let Some(range) = range {
            headers.insert(header::RANGE, range);
        }
        let answer = call::send_whatever(&self.sender, PATIENCE_FOR_ARCHIVES, request).await?;
        let status = answer.status();
        if !status.is_success() && status != StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(call::refused(PATIENCE, answer).await);
        }
        let (parts, body) = answer.into_parts();
        let bytes = futures_util::stream::unfold(Some((body, held)), |open| async move {
            let (mut body, held) = open?;
            loop {
                match body.frame().await? {
                    Ok(frame) => {
                        if let Ok(bytes) = frame.into_data() {
                            return Some((Ok(bytes), Some((body, held))));
                        }
                    }
                    // Behind it comes nothing any more, however often one asks.
                    Err(error) => return Some((Err(error.into()), None)),
                }
            }
        });
        Ok(ArchiveAnswer { status, headers: parts.headers, bytes })
    }
}
