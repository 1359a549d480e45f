//! Files of a working copy. A path is one word of the address, its slashes written as `%2F`.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stoa_app::Fault;
use stoa_app::ports::{FileChange, FileContent, FileEntry, FileKind, FileListing, FileSearch, SaveIf};
use stoa_domain::Refusal;
use stoa_domain::permission::ide as may;
use utoipa::ToSchema;

use crate::answer::{Answer, Binary, Done, Object};
use crate::argument::{Again, Around, Below, IfMatch, Json, Query, SentFile, Uses};
use crate::gate::May;
use crate::lease::Lease;
use crate::openapi::words;
use crate::router::{Operation, Routes};
use crate::routes::wire::time;

/// Matches of one answer, where nothing else is said.
const USUAL: usize = 500;

pub(super) fn routes(routes: Routes) -> Routes {
    const ALL: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/files";
    const ONE: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/files/{path}";
    const SEARCH: &str = "/api/v1/workspaces/{workspace}/instances/{instance}/search";
    let refused = ["conflict", "invalid", "no_sandbox", "payload_too_large", "server_away"];
    routes
        .get(
            ALL,
            list,
            Operation::new("listFiles", 200, "What is in a folder of one's working copy.").refuses(&refused),
        )
        .post(
            ALL,
            make_folder,
            Operation::new("makeFolder", 204, "Makes a folder in one's working copy.")
                .body(json!({ "folder": "src/new" }))
                .refuses(&refused),
        )
        .get(
            ONE,
            read,
            Operation::new("readFile", 200, "A file of one's working copy.").tagged().refuses(&refused),
        )
        .put(
            ONE,
            save,
            Operation::new("saveFile", 200, "Saves a file in one's working copy.")
                .raw("application/octet-stream", b"print('hello')\n")
                .tagged()
                .refuses(&refused),
        )
        .patch(
            ONE,
            rename,
            Operation::new("renameFile", 204, "Gives a file or folder another path.")
                .body(json!({ "path": "src/other.py" }))
                .refuses(&refused),
        )
        .delete(
            ONE,
            remove,
            Operation::new("removeFile", 204, "Removes a file, or a folder with all in it.")
                .refuses(&refused),
        )
        .get(
            SEARCH,
            search,
            Operation::new("searchFiles", 200, "Finds text in one's working copy.")
                .query("q=hello")
                .refuses(&refused),
        )
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FilesQuery {
    /// The folder; empty for the whole working copy.
    #[serde(default)]
    path: String,
    /// A former answer's `next`.
    after: Option<String>,
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// An entry of a folder.
#[derive(Serialize, ToSchema)]
struct FileView {
    name: String,
    #[schema(value_type = words::FileKind)]
    kind: &'static str,
    /// Bytes.
    size: u64,
    #[schema(format = DateTime)]
    changed_at: String,
    /// What its `ETag` is.
    etag: String,
    /// Where a link leads, as it is written there.
    leads_to: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct FolderView {
    items: Vec<FileView>,
    /// Where the list goes on (`after`), or null at its end.
    next: Option<String>,
    /// Entries whose names can't be shown.
    unreadable: usize,
}

fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Folder => "folder",
        FileKind::File => "file",
        FileKind::Link => "link",
        FileKind::Special => "special",
    }
}

fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

fn view(listing: FileListing) -> FolderView {
    let item = |entry: FileEntry| FileView {
        name: entry.name,
        kind: kind(entry.kind),
        size: entry.size,
        changed_at: time(entry.changed_at),
        etag: quoted(&entry.tag),
        leads_to: entry.leads_to,
    };
    FolderView {
        items: listing.entries.into_iter().map(item).collect(),
        next: listing.next,
        unreadable: listing.unreadable,
    }
}

async fn list(
    May(permit): May<may::Read>,
    Uses(app): Uses,
    Query(query): Query<FilesQuery>,
) -> Answer<Object<FolderView>> {
    if query.limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
        return Err(Refusal::invalid("limit", "out_of_range", "An answer has 1 to 1,000 entries.").into());
    }
    Ok(Object::ok(view(app.list_files(permit, query.path, query.after, query.limit).await?)))
}

async fn read(
    May(permit): May<may::Read>,
    Around(frame): Around,
    Again(asked): Again,
    Below(path): Below,
) -> Answer<Binary> {
    // The lease first: a right that ends while the file is opened ends this too.
    let lease = frame.leases.hold::<may::Read>(asked);
    Ok(Binary::new(answered(frame.app.read_file(permit, path).await?, lease)?))
}

/// What somebody wrote into a file is never shown as if it were Stoa's: it is saved, whatever it is.
fn answered(file: FileContent, lease: Lease) -> Result<Response, Fault> {
    let bytes = file.bytes.map_err(|fault| io::Error::other(fault.chain()));
    let leased = futures_util::stream::unfold((bytes.boxed(), lease), |(mut bytes, lease)| async move {
        let piece = tokio::select! {
            biased;
            _ = lease.ended() => Some(Err(io::ErrorKind::PermissionDenied.into())),
            piece = bytes.next() => piece,
        }?;
        let piece = if lease.check().is_err() { Err(io::ErrorKind::PermissionDenied.into()) } else { piece };
        Some((piece, (bytes, lease)))
    });
    let mut response = Response::new(Body::from_stream(leased));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(file.size));
    headers.insert(ETAG, HeaderValue::try_from(quoted(&file.tag)).map_err(Fault::new)?);
    Ok(response)
}

/// A file that was saved: its `ETag` is in the answer's head.
#[derive(Serialize, ToSchema)]
struct SavedView {
    etag: String,
}

async fn save(
    May(permit): May<may::Change>,
    Around(frame): Around,
    Again(asked): Again,
    Below(path): Below,
    IfMatch(wanted): IfMatch,
    SentFile { bytes, is_new }: SentFile,
) -> Answer<Object<SavedView>> {
    let save_if = match wanted.as_deref() {
        _ if is_new => SaveIf::New,
        None | Some("*") => SaveIf::Anyhow,
        Some(tag) => SaveIf::Tag(tag.trim_matches('"').to_owned()),
    };
    // A body may come slowly: it is taken for as long as the right lasts, and not to its end after that.
    let lease = frame.leases.follow::<may::Change>(asked).await?;
    let lease = Arc::new(lease);
    let held = lease.clone();
    let bytes = stream::unfold((bytes, Some(held)), |(mut bytes, held)| async move {
        let held = held?;
        match held.while_it_holds(bytes.next()).await {
            Ok(piece) => piece.map(|piece| (piece, (bytes, Some(held)))),
            Err(_) => Some((Err(Fault::new("the right to it has ended")), (bytes, None))),
        }
    });
    let saved = frame.app.save_file(permit, path, save_if, bytes.boxed()).await;
    lease.check()?;
    let etag = quoted(&saved?);
    Ok(Object::ok(SavedView { etag: etag.clone() }).tagged(etag))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeFolder {
    /// Its path. Folders that lead to it are made too.
    folder: String,
}

async fn make_folder(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    Json(wish): Json<MakeFolder>,
) -> Answer<Done> {
    app.change_files(permit, FileChange::MakeFolder(wish.folder)).await?;
    Ok(Done(None))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameFile {
    /// The new one. What is there already is never replaced.
    path: String,
}

async fn rename(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    Below(path): Below,
    Json(wish): Json<RenameFile>,
) -> Answer<Done> {
    app.change_files(permit, FileChange::Rename { from: path, to: wish.path }).await?;
    Ok(Done(None))
}

async fn remove(
    May(permit): May<may::Change>,
    Uses(app): Uses,
    Below(path): Below,
    IfMatch(wanted): IfMatch,
) -> Answer<Done> {
    let tag = wanted.filter(|tag| tag != "*").map(|tag| tag.trim_matches('"').to_owned());
    app.change_files(permit, FileChange::Remove { path, tag }).await?;
    Ok(Done(None))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    /// One line of text, or with `expression` an extended regular expression.
    q: String,
    #[serde(default)]
    expression: bool,
    /// Whether capitals count.
    #[serde(default)]
    case: bool,
    /// Whole words only.
    #[serde(default)]
    words: bool,
    #[schema(minimum = 1, maximum = 2000)]
    limit: Option<usize>,
}

/// A line in which something was found.
#[derive(Serialize, ToSchema)]
struct MatchView {
    path: String,
    line: u32,
    column: u32,
    text: String,
}

#[derive(Serialize, ToSchema)]
struct MatchesView {
    items: Vec<MatchView>,
    /// Whether there are more.
    is_cut: bool,
}

async fn search(
    May(permit): May<may::Read>,
    Uses(app): Uses,
    Query(query): Query<SearchQuery>,
) -> Answer<Object<MatchesView>> {
    if query.q.is_empty() || query.q.len() > 1000 || query.q.chars().any(char::is_control) {
        return Err(Refusal::invalid("q", "invalid", "Search for one line of 1 to 1,000 letters.").into());
    }
    let wanted = FileSearch {
        text: query.q,
        is_expression: query.expression,
        heeds_case: query.case,
        whole_words: query.words,
        limit: query.limit.unwrap_or(USUAL),
    };
    let found = app.search_files(permit, wanted).await?;
    let items = found.matches.into_iter();
    let items =
        items.map(|one| MatchView { path: one.path, line: one.line, column: one.column, text: one.text });
    Ok(Object::ok(MatchesView { items: items.collect(), is_cut: found.is_cut }))
}
