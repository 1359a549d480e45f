//! `…/desks/{account}/files`: the files of a working copy.

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt as _;
use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::ask::{Answer, Asked, Told, with_type};
use super::desks::Of;
use crate::files::{Condition, FileError, FilePath, Kind, LARGEST, Listing, Opened, Tree};
use crate::machine::{Agent, Refused};
use crate::protocol::desk::{
    ChangeFiles, EntryKind, EntryView, FileQuery, FilesQuery, ListingView, SavedView, TAG,
};
use crate::protocol::{Code, Problem};

/// Bytes of a file in one piece.
const PIECE: usize = 64 * 1024;

fn path(text: &str) -> Result<FilePath, Problem> {
    FilePath::parse(text).map_err(|unfit| refused(unfit.into()))
}

fn refused(error: FileError) -> Problem {
    Refused::File(error).into()
}

/// What waits for the disk isn't done where everybody waits.
async fn with_files<T: Send + 'static>(
    tree: Tree,
    work: impl FnOnce(&Tree) -> Result<T, FileError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(move || work(&tree)).await;
    done.map_err(|error| Problem::new(Code::Failed, error.to_string()))?.map_err(refused)
}

fn view(listing: Listing) -> ListingView {
    let kind = |kind| match kind {
        Kind::Folder => EntryKind::Folder,
        Kind::File => EntryKind::File,
        Kind::Link => EntryKind::Link,
        Kind::Special => EntryKind::Special,
    };
    let entries = listing.entries.into_iter().map(|entry| EntryView {
        name: entry.name,
        kind: kind(entry.kind),
        size: entry.size,
        changed_at: entry.changed_at,
        tag: entry.tag,
        leads_to: entry.leads_to,
    });
    ListingView { entries: entries.collect(), next: listing.next, unreadable: listing.unreadable }
}

pub(super) async fn list(
    Of(of): Of,
    Asked(query): Asked<FilesQuery>,
    State(agent): State<Agent>,
) -> Result<Answer<ListingView>, Problem> {
    let within = if query.path.is_empty() { None } else { Some(path(&query.path)?) };
    let listing = with_files(agent.desk_files(of)?, move |tree| {
        tree.list(within.as_ref(), query.after.as_deref(), query.limit)
    })
    .await?;
    Ok(Answer(StatusCode::OK, view(listing)))
}

pub(super) async fn read(
    Of(of): Of,
    Asked(query): Asked<FileQuery>,
    State(agent): State<Agent>,
) -> Result<Response, Problem> {
    let path = path(&query.path)?;
    let Opened { file, size, tag } = with_files(agent.desk_files(of)?, move |tree| tree.read(&path)).await?;
    // No more than was said, where it grows meanwhile.
    let file = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), size);
    let body = Body::from_stream(ReaderStream::with_capacity(file, PIECE));
    let mut response = with_type(StatusCode::OK, "application/octet-stream", body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(TAG, tag);
    }
    Ok(response)
}

pub(super) async fn write(
    Of(of): Of,
    Asked(query): Asked<FileQuery>,
    State(agent): State<Agent>,
    body: Body,
) -> Result<Answer<SavedView>, Problem> {
    let path = path(&query.path)?;
    if agent.is_disk_full() {
        return Err(Refused::DiskFull.into());
    }
    let condition = match (query.tag, query.new) {
        (Some(tag), _) => Condition::Tag(tag),
        (None, true) => Condition::New,
        (None, false) => Condition::Anyhow,
    };
    let writing = with_files(agent.desk_files(of)?, move |tree| tree.write(&path, condition)).await?;
    let file = writing.file.try_clone().map_err(|error| refused(error.into()))?;
    take_in(body.into_data_stream(), file).await?;
    // A body may come slowly, and the desk's last holder go meanwhile.
    agent.desk_files(of)?;
    let finished = tokio::task::spawn_blocking(move || writing.finish()).await;
    let tag = finished.map_err(|error| Problem::new(Code::Failed, error.to_string()))?.map_err(refused)?;
    Ok(Answer(StatusCode::OK, SavedView { tag }))
}

async fn take_in(mut body: BodyDataStream, file: std::fs::File) -> Result<(), Problem> {
    let (mut file, mut size) = (tokio::fs::File::from_std(file), 0_u64);
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| Problem::new(Code::Invalid, "The file broke off before its end."))?;
        size += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if size > LARGEST {
            return Err(refused(FileError::TooLarge));
        }
        file.write_all(&piece).await.map_err(|error| refused(error.into()))?;
    }
    file.flush().await.map_err(|error| refused(error.into()))
}

pub(super) async fn change(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<ChangeFiles>,
) -> Result<StatusCode, Problem> {
    let tree = agent.desk_files(of)?;
    match told {
        ChangeFiles::MakeFolder { path: wanted } => {
            let wanted = path(&wanted)?;
            with_files(tree, move |tree| tree.make_folder(&wanted)).await?;
        }
        ChangeFiles::Rename { from, to } => {
            let (from, to) = (path(&from)?, path(&to)?);
            with_files(tree, move |tree| tree.rename(&from, &to)).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    Of(of): Of,
    Asked(query): Asked<FileQuery>,
    State(agent): State<Agent>,
) -> Result<StatusCode, Problem> {
    let path = path(&query.path)?;
    with_files(agent.desk_files(of)?, move |tree| {
        if let Some(wanted) = &query.tag
            && tree.read(&path)?.tag != *wanted
        {
            return Err(FileError::Changed);
        }
        tree.remove(&path)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
