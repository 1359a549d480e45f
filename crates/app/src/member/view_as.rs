//! Looking on as a member: an owner asks, the member's standing decides, and the log says so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use stoa_domain::permission::member::ViewAs;
use stoa_domain::{
    AccountId, AccountStanding, MemberId, Refusal, Resource, Standing, Timestamp, WorkspaceId, decide,
};

use crate::{App, Failure};

/// Seconds after which it is written down once more for as long as it goes on.
const RECORDED_SECONDS: i64 = 600;

/// What this process has written down lately: so that not each request asks the log.
#[derive(Default)]
pub(crate) struct Views(Mutex<HashMap<(WorkspaceId, AccountId, MemberId), Timestamp>>);

impl Views {
    fn is_recorded(&self, view: &(WorkspaceId, AccountId, MemberId), now: Timestamp) -> bool {
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.get(view).is_some_and(|at| now.seconds_since(*at) < RECORDED_SECONDS)
    }

    fn keep(&self, view: (WorkspaceId, AccountId, MemberId), now: Timestamp) {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        views.retain(|_, at| now.seconds_since(*at) < RECORDED_SECONDS);
        views.insert(view, now);
    }
}

/// An owner, and the member as whom it looks on.
pub(crate) struct LookingOn {
    pub own: Standing,
    pub seen: Standing,
}

impl App {
    /// Both standings as they are at this moment.
    ///
    /// # Errors
    /// `TokenMayNot`, `ViewAsReadOnly` for whoever isn't an owner, `NotFound` where there is no such member.
    pub(crate) async fn look_on(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        member: MemberId,
        wanted: &[Resource],
    ) -> Result<LookingOn, Failure> {
        let own = self.own_standing_in(account, workspace, &[]).await?;
        // Another's second factor doesn't stand in for one's own.
        if own.lacks_second_factor() {
            return Err(Refusal::SecondFactorDemanded.into());
        }
        if account.is_by_token() {
            return Err(Refusal::TokenMayNot.into());
        }
        if !own.is_owner() {
            return Err(Refusal::ViewAsReadOnly.into());
        }
        let found = self.store().load_member(workspace, member).await?;
        let access = self.store().find_access(workspace, found.account, wanted).await?;
        let access = access.filter(|access| access.member == member).ok_or(Refusal::NotFound)?;
        let seen = Standing::viewed_by(&own, access).ok_or(Refusal::ViewAsReadOnly)?;
        Ok(LookingOn { own, seen })
    }

    /// The member's standing, for a question that may be asked so; it is in the log before it is answered.
    ///
    /// # Errors
    /// As [`App::look_on`]; `ViewAsReadOnly` for what is closed.
    pub(crate) async fn begin_to_look_on(
        &self,
        account: &AccountStanding,
        workspace: WorkspaceId,
        member: MemberId,
        is_open: bool,
    ) -> Result<Standing, Failure> {
        let LookingOn { own, seen } = self.look_on(account, workspace, member, &[]).await?;
        if !is_open {
            return Err(Refusal::ViewAsReadOnly.into());
        }
        let (now, view) = (self.store().now(), (workspace, own.account(), member));
        if !self.views().is_recorded(&view, now) {
            let permit = decide::<ViewAs>(&own, member)?;
            self.store().record_view_as(permit, RECORDED_SECONDS).await?;
            self.views().keep(view, now);
        }
        Ok(seen)
    }
}
