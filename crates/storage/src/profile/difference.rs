//! What a change of a profile gave and took away, by name: what the audit event keeps of it.

use std::collections::{BTreeMap, HashMap};

use stoa_domain::{MemberId, Timestamp, WorkspaceId};
use uuid::Uuid;

use super::{Granted, Profile};
use crate::detail::{Detail, list, quoted, written};
use crate::failure::StorageFault;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::values;

/// Things of one kind that an event names; of more it keeps how many more.
const NAMED: usize = 1_000;

crate::statements! {
    ACTIONS = "SELECT action, until_at FROM member_actions
        WHERE workspace_id = $1 AND member_id = $2 AND (until_at IS NULL OR until_at > $3)";
    PROJECTS = "SELECT project_id, until_at FROM member_projects
        WHERE workspace_id = $1 AND member_id = $2 AND (until_at IS NULL OR until_at > $3)";
    INSTANCES = "SELECT instance_id, until_at FROM member_instances
        WHERE workspace_id = $1 AND member_id = $2 AND (until_at IS NULL OR until_at > $3)";
    SERVERS = "SELECT server_id, until_at FROM member_servers
        WHERE workspace_id = $1 AND member_id = $2 AND (until_at IS NULL OR until_at > $3)";
    PROJECT_NAMES = "SELECT id, name FROM projects WHERE workspace_id = $1";
    INSTANCE_NAMES = "SELECT id, name FROM instances WHERE workspace_id = $1";
    SERVER_NAMES = "SELECT id, name FROM servers WHERE workspace_id = $1";
}

const LISTS: [(&str, Statement); 3] =
    [("projects", PROJECTS), ("instances", INSTANCES), ("servers", SERVERS)];

/// One thing of each list.
const KINDS: [&str; 3] = ["project", "instance", "server"];

type Ends<K> = BTreeMap<K, Option<Timestamp>>;

/// What a member holds: actions, and the three lists, each with its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    actions: Ends<String>,
    lists: [Ends<Uuid>; 3],
}

impl Held {
    /// What the member has now.
    pub(super) async fn by(
        tx: &mut Tx<'_>,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Self, StorageFault> {
        let now = tx.now();
        let mut held = Self::default();
        for row in tx.fetch_all(ACTIONS, values![workspace, member, now]).await? {
            held.actions.insert(row.get(0)?, row.get(1)?);
        }
        for ((_, statement), kept) in LISTS.into_iter().zip(&mut held.lists) {
            for row in tx.fetch_all(statement, values![workspace, member, now]).await? {
                kept.insert(row.get(0)?, row.get(1)?);
            }
        }
        Ok(held)
    }

    /// What the member is to have.
    pub(super) fn of(profile: &Profile) -> Self {
        let until = |granted: Granted| profile.until.get(&granted).copied();
        let actions = profile.actions.iter().map(|one| (one.key().to_owned(), until(Granted::Action(one))));
        Self {
            actions: actions.collect(),
            lists: [
                profile.projects.iter().map(|id| (id.uuid(), until(Granted::Project(*id)))).collect(),
                profile.instances.iter().map(|id| (id.uuid(), until(Granted::Instance(*id)))).collect(),
                profile.servers.iter().map(|id| (id.uuid(), until(Granted::Server(*id)))).collect(),
            ],
        }
    }
}

/// What things of the workspace are called, read once for a write.
#[derive(Default)]
pub(super) struct Names(Option<HashMap<Uuid, String>>);

impl Names {
    async fn load(&mut self, tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<(), StorageFault> {
        if self.0.is_some() {
            return Ok(());
        }
        let mut names = HashMap::new();
        for statement in [PROJECT_NAMES, INSTANCE_NAMES, SERVER_NAMES] {
            for row in tx.fetch_all(statement, values![workspace]).await? {
                names.insert(row.get(0)?, row.get(1)?);
            }
        }
        self.0 = Some(names);
        Ok(())
    }

    fn of(&self, id: Uuid) -> &str {
        self.0.as_ref().and_then(|names| names.get(&id)).map_or("", String::as_str)
    }
}

/// `{"added":{"actions":[…],"projects":[{"id","name"}]},"removed":{…},"until":[{"of","kind","id","before","after"}]}`;
/// what is empty is left out. `of` is an action's key or a thing's name, `id` is of things alone. Times are as in the API,
/// null where there is no end. Older events have neither `kind` nor `id`, and times in microseconds since 1970.
pub(super) async fn difference(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    before: &Held,
    after: &Held,
    names: &mut Names,
) -> Result<Detail, StorageFault> {
    if before.lists != after.lists {
        names.load(tx, workspace).await?;
    }
    let mut detail = Detail::default();
    for (word, from, to) in [("added", before, after), ("removed", after, before)] {
        let mut lists = Detail::default();
        let actions: Vec<&str> =
            to.actions.keys().filter(|one| !from.actions.contains_key(*one)).map(String::as_str).collect();
        if !actions.is_empty() {
            lists = lists.json("actions", &list(actions));
        }
        for (((kind, _), from), to) in LISTS.into_iter().zip(&from.lists).zip(&to.lists) {
            let ids: Vec<Uuid> = to.keys().filter(|id| !from.contains_key(*id)).copied().collect();
            if !ids.is_empty() {
                lists = lists.json(kind, &named(&ids, names));
            }
        }
        if !lists.is_empty() {
            detail = detail.json(word, &lists.finish());
        }
    }
    let ends = ends(before, after, names);
    if !ends.is_empty() {
        detail = detail.json("until", &format!("[{}]", ends.join(",")));
    }
    Ok(detail)
}

fn named(ids: &[Uuid], names: &Names) -> String {
    let mut all: Vec<String> = ids
        .iter()
        .take(NAMED)
        .map(|id| Detail::default().text("id", &id.to_string()).text("name", names.of(*id)).finish())
        .collect();
    if ids.len() > NAMED {
        all.push(quoted(&format!("and {} more", ids.len() - NAMED)));
    }
    format!("[{}]", all.join(","))
}

/// Ends that were set, moved or lifted, of what is held before and after.
fn ends(before: &Held, after: &Held, names: &Names) -> Vec<String> {
    let said = |at: Option<Timestamp>| at.map_or("null".to_owned(), |at| quoted(&written(at)));
    let entry = |end: Detail, before: Option<Timestamp>, after: Option<Timestamp>| {
        end.json("before", &said(before)).json("after", &said(after)).finish()
    };
    let actions = after.actions.iter().filter_map(|(action, end)| {
        let old = before.actions.get(action).copied().flatten();
        let named = || Detail::default().text("of", action).text("kind", "action");
        (old != *end).then(|| entry(named(), old, *end))
    });
    let both = KINDS.into_iter().zip(&before.lists).zip(&after.lists);
    let things = both.flat_map(|((kind, before), after)| {
        after.iter().filter_map(move |(id, end)| {
            let old = before.get(id).copied().flatten();
            let named =
                || Detail::default().text("of", names.of(*id)).text("kind", kind).text("id", &id.to_string());
            (old != *end).then(|| entry(named(), old, *end))
        })
    });
    actions.chain(things).take(NAMED).collect()
}
