//! `/v1/instances/{id}/desks/{account}`: a member's desk, and git in it.

use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::response::Response;
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use stoa_domain::branch::{BranchName, CommitId};

use super::ask::{Answer, Asked, Told, with_type};
use super::mirrors::commit;
use super::stream::Leased;
use crate::machine::{Agent, DeskOf, NewDesk, Pack};
use crate::protocol::desk::{
    BranchPushed, COMMIT, CommitView, DeskView, DiffQuery, DiffView, EndQuery, MakeCommit, MakePack,
    MatchesView, MergeBranch, MergedView, OpenDesk, OriginalQuery, SearchFiles, StageFiles, StatusView,
};
use crate::protocol::{Code, Problem};

/// Whose desk the path names, and on what.
pub(super) struct Of(pub DeskOf);

impl<S: Send + Sync> FromRequestParts<S> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let refused = || Problem::new(Code::Invalid, "The ids in the path aren't UUIDs.");
        let words = RawPathParams::from_request_parts(parts, state).await.map_err(|_| refused())?;
        let word = |name: &str| words.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
        let instance = word("id").and_then(|text| text.parse().ok()).ok_or_else(refused)?;
        let account = word("account").and_then(|text| text.parse().ok()).ok_or_else(refused)?;
        Ok(Self(DeskOf { instance, account }))
    }
}

pub(super) fn branch(text: &str) -> Result<BranchName, Problem> {
    BranchName::parse(text).ok_or_else(|| Problem::new(Code::Invalid, "This isn't a branch's name."))
}

pub(super) async fn open(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<OpenDesk>,
) -> Result<Answer<DeskView>, Problem> {
    let (branch, commit) = (branch(&told.branch)?, commit(&told.commit)?);
    let opened = agent.open_desk(of, NewDesk { branch, commit, author: told.author }).await?;
    Ok(Answer(
        StatusCode::OK,
        DeskView { branch: opened.branch, is_new: opened.is_new, is_begun: opened.is_begun },
    ))
}

pub(super) async fn end(
    Of(of): Of,
    Asked(query): Asked<EndQuery>,
    State(agent): State<Agent>,
) -> Result<StatusCode, Problem> {
    agent.end_desk(of, query.discard).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For as long as its lease is renewed the desk may be there.
pub(super) async fn hold(
    Of(of): Of,
    State(agent): State<Agent>,
    leased: Leased,
) -> Result<Response, Problem> {
    Ok(leased.answer(agent.hold_desk(of)?.map(Ok)))
}

pub(super) async fn search(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<SearchFiles>,
) -> Result<Answer<MatchesView>, Problem> {
    if told.text.is_empty() || told.text.contains(['\0', '\n']) {
        return Err(Problem::new(Code::Invalid, "What is searched for is one line of text."));
    }
    let (matches, is_cut) = agent.desk_search(of, &told).await?;
    Ok(Answer(StatusCode::OK, MatchesView { matches, is_cut }))
}

pub(super) async fn status(Of(of): Of, State(agent): State<Agent>) -> Result<Answer<StatusView>, Problem> {
    Ok(Answer(StatusCode::OK, agent.desk_status(of).await?))
}

pub(super) async fn diff(
    Of(of): Of,
    Asked(query): Asked<DiffQuery>,
    State(agent): State<Agent>,
) -> Result<Answer<DiffView>, Problem> {
    let (text, is_cut) = agent.desk_diff(of, query.against, query.path.as_deref()).await?;
    Ok(Answer(StatusCode::OK, DiffView { text, is_cut }))
}

pub(super) async fn original(
    Of(of): Of,
    Asked(query): Asked<OriginalQuery>,
    State(agent): State<Agent>,
) -> Result<Response, Problem> {
    let found = agent.desk_original(of, query.against, &query.path).await?;
    let missing = || Problem::new(Code::Missing, "There was no such file.");
    Ok(with_type(StatusCode::OK, "application/octet-stream", found.ok_or_else(missing)?.into()))
}

pub(super) async fn stage(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<StageFiles>,
) -> Result<StatusCode, Problem> {
    agent.desk_stage(of, told.staging, &told.paths).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn make_commit(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<MakeCommit>,
) -> Result<Answer<CommitView>, Problem> {
    let commit = agent.desk_commit(of, &told.message, told.all, &told.author).await?;
    Ok(Answer(StatusCode::OK, CommitView { commit: commit.to_string() }))
}

pub(super) async fn merge(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<MergeBranch>,
) -> Result<Answer<MergedView>, Problem> {
    let conflicts = agent.desk_merge(of, &commit(&told.commit)?, &told.author).await?;
    Ok(Answer(StatusCode::OK, MergedView { conflicts }))
}

pub(super) async fn pushed(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<BranchPushed>,
) -> Result<StatusCode, Problem> {
    agent.desk_pushed(of, &commit(&told.commit)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn pack(
    Of(of): Of,
    State(agent): State<Agent>,
    Told(told): Told<MakePack>,
) -> Result<Response, Problem> {
    let have: Option<CommitId> = told.have.as_deref().map(commit).transpose()?;
    let Pack { commit, bytes } = agent.desk_pack(of, &branch(&told.branch)?, have.as_ref()).await?;
    let body = axum::body::Body::from_stream(bytes);
    let mut response = with_type(StatusCode::OK, "application/x-git-pack", body);
    if let Ok(commit) = HeaderValue::try_from(commit.to_string()) {
        response.headers_mut().insert(COMMIT, commit);
    }
    Ok(response)
}
