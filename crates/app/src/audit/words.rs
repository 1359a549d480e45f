//! What an audit event says in a sentence, after the name of who it was: "restarted shop-production", "wasn't allowed to
//! read the logs of shop-staging". The page, the command line and exports say the same.

use stoa_domain::refusal::NOT_FOUND;
use stoa_storage::audit::Outcome;

use super::AuditRecord;

/// An operation: what somebody did, and what somebody tried to do. `{it}` is the thing, `{second}` a second one.
type Words = (&'static str, &'static str, &'static str);

const WORDS: &[Words] = &[
    ("workspace.create", "created the workspace", "create the workspace"),
    ("workspace.view", "opened the workspace", "open the workspace"),
    ("workspace.change", "changed the workspace", "change the workspace"),
    ("workspace.delete", "deleted the workspace", "delete the workspace"),
    ("workspace.view_sign_in_rules", "looked at the rules of signing in", "look at the rules of signing in"),
    ("workspace.read_audit", "read the audit log", "read the audit log"),
    ("workspace.read_own_audit", "read their own events", "read their own events"),
    ("workspace.follow_events", "followed the workspace", "follow the workspace"),
    ("workspace.name_owner", "made {it} an owner from outside", "make {it} an owner from outside"),
    ("account.disable", "disabled the account of {it}", "disable the account of {it}"),
    ("account.enable", "enabled the account of {it}", "enable the account of {it}"),
    ("logo.view", "looked at the logo", "look at the logo"),
    ("logo.change", "changed the logo", "change the logo"),
    ("logo.remove", "removed the logo", "remove the logo"),
    ("member.list", "listed the members", "list the members"),
    ("member.view", "looked at {it}", "look at {it}"),
    ("member.change_role", "changed the role of {it}", "change the role of {it}"),
    ("member.remove", "removed {it} from the workspace", "remove {it} from the workspace"),
    ("member.leave", "left the workspace", "leave the workspace"),
    ("member.view_permissions", "opened the permissions of {it}", "open the permissions of {it}"),
    ("member.set_permissions", "set the permissions of {it}", "set the permissions of {it}"),
    (
        "member.set_permissions_of_several",
        "set the permissions of several members at once",
        "set the permissions of several members at once",
    ),
    ("member.grant_ended", "ended what {it} was granted until now", "end a grant of {it}"),
    ("member.view_as", "viewed the workspace as {it}", "view the workspace as {it}"),
    ("member.find_who", "asked who may do something", "ask who may do something"),
    ("member.list_grantable", "listed what can be granted", "list what can be granted"),
    ("preset.list", "listed the presets", "list the presets"),
    ("preset.view", "opened the preset {it}", "open {it}"),
    ("preset.create", "created the preset {it}", "create a preset"),
    ("preset.change", "changed the preset {it}", "change {it}"),
    ("preset.delete", "deleted the preset {it}", "delete {it}"),
    ("member.explain", "asked what {it} may do", "ask what {it} may do"),
    ("invitation.list", "listed the invitations", "list the invitations"),
    ("invitation.create", "invited {it}", "invite somebody"),
    ("invitation.resend", "made {it} a new link", "make {it} a new link"),
    ("invitation.revoke", "revoked the invitation of {it}", "revoke {it}"),
    ("invitation.accept", "accepted an invitation", "accept an invitation"),
    ("job.list", "listed the running work", "list the running work"),
    ("job.view", "looked at work on {it}", "look at work on {it}"),
    ("job.cancel", "cancelled work on {it}", "cancel work on {it}"),
    ("server.list", "listed the servers", "list the servers"),
    ("server.view", "opened the server {it}", "open {it}"),
    ("server.view_metrics", "looked at the load of {it}", "look at the load of {it}"),
    ("server.create", "added the server {it}", "add a server"),
    ("server.change", "changed the server {it}", "change {it}"),
    ("server.join", "made the command anew by which a machine joins as {it}", "let a machine join as {it}"),
    ("server.joined", "saw a machine join as {it}", "join as {it}"),
    ("server.delete", "removed the server {it}", "remove {it}"),
    ("server.forget", "removed the server {it} with its instances", "remove {it} with its instances"),
    ("project.list", "listed the projects", "list the projects"),
    ("project.view", "opened the project {it}", "open {it}"),
    ("project.create", "created the project {it}", "create a project"),
    ("project.change", "changed the project {it}", "change {it}"),
    ("project.delete", "deleted the project {it}", "delete {it}"),
    ("project.fetch", "fetched {it}", "fetch {it}"),
    ("project.push", "pushed {second} to {it}", "push to {it}"),
    ("project.merge", "merged {second} of {it}", "merge into a branch of {it}"),
    (
        "project.default_branch",
        "made {second} the default branch of {it}",
        "change the default branch of {it}",
    ),
    ("project.compare_heads", "found new commits on {second} of {it}", "compare the branches of {it}"),
    (
        "project.fetch_remote",
        "fetched new commits on {second} of {it}",
        "fetch the remote repository of {it}",
    ),
    ("example.list", "listed the examples", "list the examples"),
    ("example.deploy", "deployed the example {it}", "deploy an example"),
    ("remote.view", "opened how {it} is fetched", "see how {it} is fetched"),
    (
        "remote.change",
        "changed {second} of the remote repository of {it}",
        "change the remote repository of {it}",
    ),
    (
        "remote.remove_credential",
        "took the credential of the remote repository of {it} away",
        "take the credential of the remote repository of {it} away",
    ),
    ("remote.test", "tested the remote repository of {it}", "test the remote repository of {it}"),
    (
        "remote.fetch",
        "had the remote repository of {it} fetched",
        "have the remote repository of {it} fetched",
    ),
    ("remote.make_webhook", "made a webhook for {it}", "make a webhook for {it}"),
    ("remote.remove_webhook", "removed the webhook of {it}", "remove the webhook of {it}"),
    ("instance.list", "listed the instances", "list the instances"),
    ("instance.view", "opened {it}", "open {it}"),
    ("instance.view_metrics", "looked at the load of {it}", "look at the load of {it}"),
    ("instance.view_processes", "looked at the processes of {it}", "look at the processes of {it}"),
    ("instance.create", "created the instance {it}", "create an instance"),
    ("instance.change", "changed the instance {it}", "change {it}"),
    ("instance.view_environment", "opened the variables of {it}", "open the variables of {it}"),
    ("instance.change_environment", "changed the variables of {it}", "change the variables of {it}"),
    ("instance.restart", "restarted {it}", "restart {it}"),
    ("instance.restart_soft", "restarted {it}", "restart {it}"),
    ("instance.restart_hard", "restarted {it} in a new sandbox", "restart {it} in a new sandbox"),
    ("instance.start", "started {it}", "start {it}"),
    ("instance.stop", "stopped {it}", "stop {it}"),
    ("instance.delete", "began to delete the instance {it}", "delete {it}"),
    ("instance.deleted", "deleted the instance {it}", "delete {it}"),
    ("instance.deploy", "deployed {it}", "deploy {it}"),
    ("instance.roll_back", "rolled {it} back to an earlier release", "roll {it} back to an earlier release"),
    ("instance.list_deployments", "listed the deployments of {it}", "list the deployments of {it}"),
    ("instance.view_deployment", "opened a deployment of {it}", "open a deployment of {it}"),
    ("instance.cancel_deployment", "cancelled a deployment of {it}", "cancel a deployment of {it}"),
    ("instance.read_logs", "read the logs of {it}", "read the logs of {it}"),
    ("settings.view", "opened the settings of {it}", "open the settings of {it}"),
    ("settings.change", "changed the settings of {it}", "change the settings of {it}"),
    (
        "settings.list_changes",
        "looked at what was changed of {it}'s settings",
        "look at what was changed of {it}'s settings",
    ),
    (
        "settings.revert",
        "reverted a change of the settings of {it}",
        "revert a change of the settings of {it}",
    ),
    (
        "settings.check_domain",
        "looked for the proof of {second} of {it}",
        "look for the proof of a domain of {it}",
    ),
    ("settings.domain_proved", "found {second} proved for {it}", "look for the proof of {second}"),
    ("certificate.issue", "had a certificate issued for {second}", "have a certificate issued for {second}"),
    (
        "certificate.refuse",
        "was refused a certificate for {second}",
        "have a certificate issued for {second}",
    ),
    ("settings.domain_lost", "found {second} of {it} proved no more", "look for the proof of {second}"),
    ("backup.list", "listed the backups of {it}", "list the backups of {it}"),
    ("backup.view_schedule", "looked at when {it} is backed up", "look at when {it} is backed up"),
    ("backup.change_schedule", "changed when {it} is backed up", "change when {it} is backed up"),
    ("backup.create", "began a backup of {it}", "back up {it}"),
    ("backup.view", "looked at a backup of {it}", "look at a backup of {it}"),
    ("backup.delete", "deleted a backup of {it}", "delete a backup of {it}"),
    ("backup.download", "downloaded a backup of {it}", "download a backup of {it}"),
    ("backup.restore", "began to restore a backup into {it}", "restore a backup into {it}"),
    (
        "backup.list_deleted",
        "listed the backups of deleted instances",
        "list the backups of deleted instances",
    ),
    ("backup.export_key", "exported the key to the backups of {it}", "export the key to the backups of {it}"),
    ("backup.found_damaged", "found a backup of {it} damaged", "read a backup of {it}"),
    ("backup.found_whole", "found a backup of {it} whole again", "read a backup of {it}"),
    ("backup_storage.view", "opened the settings of backups", "open the settings of backups"),
    ("backup_storage.change", "had backups go to the bucket {it}", "change where backups go"),
    ("backup_storage.remove", "had backups go to the servers' disks", "change where backups go"),
    ("backup_storage.test", "tested the storage of backups", "test the storage of backups"),
    ("instance.backup", "backed {it} up", "back {it} up"),
    ("instance.restore", "restored {it}", "restore {it}"),
    ("ide.open", "opened the IDE of {it}", "open the IDE of {it}"),
    ("ide.read", "read files of {it} in the IDE", "read files of {it} in the IDE"),
    ("ide.change", "changed files of {it} in the IDE", "change files of {it} in the IDE"),
    ("ide.open_terminal", "opened a terminal on {it}", "open a terminal on {it}"),
    ("ide.commit", "committed in the IDE of {it}", "commit in the IDE of {it}"),
    ("ide.merge", "merged its branch in the IDE of {it}", "merge its branch in the IDE of {it}"),
    ("ide.push", "pushed {second} to {it} from the IDE", "push to the branch of {it} from the IDE"),
    ("ide.end", "closed the IDE of {it}", "close the IDE of {it}"),
    ("ai.view", "opened the AI settings", "open the AI settings"),
    ("ai.change", "set AI to the model {it}", "change the AI settings"),
    ("ai.remove", "removed the AI settings", "remove the AI settings"),
    ("ai.test", "tested the AI provider", "test the AI provider"),
    ("ai.list_models", "listed the provider's models", "list the provider's models"),
    ("ai.view_usage", "looked at the use of AI", "look at the use of AI"),
    ("ai.preview", "looked at what AI would be sent", "look at what AI would be sent"),
    ("ai.explain", "had {it} explained by AI", "have {it} explained by AI"),
    ("ai.describe_merge", "had a merge of {it} described by AI", "have a merge of {it} described by AI"),
    (
        "ai.edit",
        "had an edit in the IDE of {it} proposed by AI",
        "have an edit in the IDE of {it} proposed by AI",
    ),
    (
        "ai.propose_profile",
        "had a permission profile proposed by AI",
        "have a permission profile proposed by AI",
    ),
    ("connect_as.list_users", "listed the users of {it}", "list the users of {it}"),
    ("connect_as.ask", "asked to connect to {it} as {second}", "ask to connect to {it} as one of its users"),
    ("connect_as.open", "connected to {it} as {second}", "connect to {it} as one of its users"),
    ("connect_as.use", "used {it} as one of its users", "use {it} as one of its users"),
    (
        "connect_as.list_sessions",
        "listed who is connected to {it} as one of its users",
        "list who is connected to {it} as one of its users",
    ),
    ("connect_as.end", "ended being connected to {it} as {second}", "end being connected to {it}"),
    ("instance.visit", "opened the address of {it}", "open the address of {it}"),
];

/// What the installation's own chain holds beside: signing in, accounts, administration.
const OF_INSTALLATION: &[Words] = &[
    ("session.sign_in", "signed in", "sign in"),
    ("session.sign_out", "signed out", "sign out"),
    ("session.end", "ended a session", "end a session"),
    ("session.confirm", "confirmed who it is", "confirm who it is"),
    ("token.create", "made an access token", "make an access token"),
    ("token.delete", "removed an access token", "remove an access token"),
    ("account.change", "changed the own account", "change the own account"),
    ("account.change_password", "changed the own password", "change the own password"),
    ("account.reset_password", "set the password of {it}", "set the password of {it}"),
    ("account.ask_for_reset", "asked for a link to a new password", "ask for a link to a new password"),
    ("account.ask_for_email", "asked for a link to another address", "ask for a link to another address"),
    (
        "account.take_email_back",
        "took the link to another address back",
        "take the link to another address back",
    ),
    ("account.confirm_email", "confirmed the own address", "confirm the own address"),
    ("account.add_authenticator", "added an authenticator", "add an authenticator"),
    ("account.remove_authenticator", "removed an authenticator", "remove an authenticator"),
    ("account.add_passkey", "added a passkey", "add a passkey"),
    ("account.rename_passkey", "renamed a passkey", "rename a passkey"),
    ("account.remove_passkey", "removed a passkey", "remove a passkey"),
    ("account.renew_recovery_codes", "made new recovery codes", "make new recovery codes"),
    ("account.link_provider", "linked the sign-in provider", "link the sign-in provider"),
    ("account.unlink_provider", "unlinked the sign-in provider", "unlink the sign-in provider"),
    ("account.delete", "deleted the own account", "delete the own account"),
    ("account.remove_second_factor", "removed the second factor of {it}", "remove the second factor of {it}"),
    ("account.make_administrator", "made {it} an administrator", "make {it} an administrator"),
    ("account.unmake_administrator", "made {it} a plain account", "make {it} a plain account"),
    ("administration.list_accounts", "listed every account", "list every account"),
    ("administration.list_workspaces", "listed every workspace", "list every workspace"),
    ("administration.view_state", "looked at the installation's state", "look at the installation's state"),
    ("installation.set_up", "set the installation up", "set the installation up"),
    ("installation.restore", "brought the installation back from a backup", "bring the installation back"),
];

/// Whether there are words for an operation.
#[must_use]
pub fn has_words(action: &str) -> bool {
    find(action).is_some()
}

/// Every operation that has words, in the order of the product.
pub fn actions() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(action, ..)| *action)
}

fn find(action: &str) -> Option<&'static Words> {
    WORDS.iter().chain(OF_INSTALLATION).find(|(known, ..)| *known == action)
}

/// The sentence, without the name before it and without a full stop.
#[must_use]
pub fn sentence(event: &AuditRecord) -> String {
    let it = thing(event);
    let fill = |words: &str| {
        let second = event.second_name.as_deref().unwrap_or("something");
        words.replace("{second}", second).replace("{it}", &it)
    };
    let is_done = event.outcome == Outcome::Done.key();
    let Some((_, did, to_do)) = find(&event.action) else {
        // An older or a newer program's: its own word still says more than nothing.
        let word = event.action.replace(['.', '_'], " ");
        return if is_done { format!("did “{word}”") } else { format!("tried “{word}”") };
    };
    if is_done {
        special(event, &it).unwrap_or_else(|| fill(did))
    } else if is_missing(event) {
        let pronoun = if event.resource_kind.as_deref() == Some("member") || it.ends_with(" member") {
            "who"
        } else {
            "which"
        };
        format!("looked for {it}, {pronoun} doesn't exist")
    } else if event.outcome == Outcome::Refused.key() {
        // Whose token it was may do it, and did nothing wrong but to give it to a script.
        let by = if is_by_token(event) { " with the access token that asked" } else { "" };
        format!("wasn't allowed to {}{by}", fill(to_do))
    } else {
        format!("tried to {}, which failed", fill(to_do))
    }
}

/// Whether it was about a thing that is nowhere to be found: nobody was kept from it. Of what is hidden from a member the
/// member is told the same, an owner its name.
fn is_missing(event: &AuditRecord) -> bool {
    event.outcome == Outcome::Refused.key()
        && event.resource_name.is_none()
        && detail(event)["denial"] == NOT_FOUND
}

/// Whether the account may do it, and the token that asked may not.
fn is_by_token(event: &AuditRecord) -> bool {
    detail(event)["by_token"] == true
}

/// Null where it can't be read.
fn detail(event: &AuditRecord) -> serde_json::Value {
    serde_json::from_str(&event.detail).unwrap_or_default()
}

/// The thing by its name, else by its kind.
fn thing(event: &AuditRecord) -> String {
    if let Some(name) = &event.resource_name {
        return name.clone();
    }
    let is_without_noun = ["ai.", "backup_storage."].iter().any(|noun| event.action.starts_with(noun));
    if event.resource_kind.is_none() && is_without_noun {
        return "something".to_owned();
    }
    let noun = match event.action.split('.').next().unwrap_or_default() {
        "connect_as" | "ide" | "settings" => "instance",
        noun => noun,
    };
    let kind = event.resource_kind.as_deref().filter(|kind| *kind != "workspace").unwrap_or(noun);
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}

/// What a detail says better than the operation alone.
fn special(event: &AuditRecord, it: &str) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(&event.detail).ok()?;
    match event.action.as_str() {
        // In the installation's own chain it is about the workspace.
        "workspace.name_owner" => {
            event.second_name.as_ref().map(|named| format!("made {named} an owner of {it} from outside"))
        }
        "workspace.change" => workspace_change(detail.get("after")?.as_object()?),
        "member.change_role" => match detail.get("to")?.as_str()? {
            "owner" => Some(format!("made {it} an owner")),
            _ => Some(format!("made {it} a plain member")),
        },
        "member.leave" if detail.get("because")? == "account_deleted" => {
            Some("left the workspace by deleting the account".to_owned())
        }
        "project.push" if event.second_name.is_none() => Some(format!("pushed to {it}")),
        "project.push" | "project.compare_heads" | "project.fetch_remote" => {
            let verb = lost(&detail)?;
            let (names, it) = (event.second_name.as_deref()?, it);
            Some(match event.action.as_str() {
                "project.push" => format!("{verb} {names} of {it}"),
                _ => format!("found {names} of {it} {verb}"),
            })
        }
        "ide.push" if event.second_name.is_none() => Some(format!("pushed to {it} from the IDE")),
        _ => None,
    }
}

/// What all of the branches that moved have in common, where they lost commits.
fn lost(detail: &serde_json::Value) -> Option<&'static str> {
    let branches = detail.get("branches")?.as_array()?;
    let all = |is: fn(&serde_json::Value) -> bool| {
        !branches.is_empty() && branches.iter().all(|branch| !branch.is_object() || is(branch))
    };
    if all(|branch| branch["to"].is_null()) {
        Some("deleted")
    } else if all(|branch| branch["rewound"] == true) {
        Some("rewound")
    } else {
        None
    }
}

/// What became another one, and what is demanded from now on.
fn workspace_change(after: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
    let fields = [("name", "name"), ("slug", "slug"), ("primary_color", "colour")];
    let changed: Vec<&str> =
        fields.iter().filter(|(field, _)| after.contains_key(*field)).map(|(_, word)| *word).collect();
    let changed = match changed.as_slice() {
        [] => None,
        [one] => Some(format!("changed the workspace's {one}")),
        [first @ .., last] => Some(format!("changed the workspace's {} and {last}", first.join(", "))),
    };
    let demand = after.get("requires_second_factor").map(|asked| {
        if asked == "true" {
            "began to demand a second factor of every member"
        } else {
            "stopped demanding a second factor"
        }
    });
    match (changed, demand) {
        (Some(changed), Some(demand)) => Some(format!("{changed}, and {demand}")),
        (changed, demand) => changed.or(demand.map(str::to_owned)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use stoa_domain::job::JobKind;
    use stoa_domain::{AuditEventId, Timestamp};

    use super::*;

    fn event(action: &str, outcome: Outcome, name: Option<&str>) -> AuditRecord {
        AuditRecord {
            seq: 1,
            id: AuditEventId::new(uuid::Uuid::nil()),
            at: Timestamp::from_micros(0),
            account: None,
            actor_name: "Anna".to_owned(),
            via: "page".to_owned(),
            address: None,
            action: action.to_owned(),
            resource_kind: name.map(|_| "instance".to_owned()),
            resource_id: None,
            resource_name: name.map(str::to_owned),
            outcome: outcome.key().to_owned(),
            second_name: None,
            repeated: 1,
            detail: "{}".to_owned(),
            previous_hash: Vec::new(),
            hash: Vec::new(),
        }
    }

    #[test]
    fn there_are_words_for_everything_that_can_be_done_in_a_workspace() {
        let permissions =
            stoa_domain::permission::all().into_iter().map(|(operation, ..)| operation.to_owned());
        let jobs = JobKind::ALL.iter().map(|kind| format!("instance.{}", kind.key()));
        let wordless: Vec<String> = permissions.chain(jobs).filter(|action| !has_words(action)).collect();
        assert!(
            wordless.is_empty(),
            "these have no sentence in crates/app/src/audit/words.rs: {wordless:#?}"
        );
    }

    #[test]
    fn every_sentence_is_one_whatever_came_of_it() {
        let mut seen = HashSet::new();
        for (action, did, to_do) in WORDS.iter().chain(OF_INSTALLATION) {
            assert!(seen.insert(action), "{action} stands there twice");
            for words in [did, to_do] {
                assert!(words.starts_with(char::is_lowercase) && !words.ends_with('.'), "{words}");
            }
            for outcome in [Outcome::Done, Outcome::Refused, Outcome::Failed] {
                for name in [None, Some("shop")] {
                    let said = sentence(&event(action, outcome, name));
                    assert!(!said.contains(['{', '}', '_', '“']), "{said}");
                }
            }
        }
        let said = |action, outcome, name| sentence(&event(action, outcome, name));
        assert_eq!(said("instance.restart", Outcome::Done, Some("shop")), "restarted shop");
        assert_eq!(said("instance.restart", Outcome::Refused, None), "wasn't allowed to restart an instance");
        assert_eq!(
            said("instance.deploy", Outcome::Failed, Some("shop")),
            "tried to deploy shop, which failed"
        );
        assert_eq!(said("later.thing_done", Outcome::Done, None), "did “later thing done”");
    }

    #[test]
    fn who_looked_for_what_is_nowhere_was_kept_from_nothing() {
        let mut mistyped = event("instance.stop", Outcome::Refused, None);
        mistyped.detail = r#"{"denial":"not_found"}"#.to_owned();
        assert_eq!(sentence(&mistyped), "looked for an instance, which doesn't exist");
        mistyped.action = "member.remove".to_owned();
        assert_eq!(sentence(&mistyped), "looked for a member, who doesn't exist");
        mistyped.action = "instance.stop".to_owned();
        mistyped.resource_name = Some("shop".to_owned());
        assert_eq!(sentence(&mistyped), "wasn't allowed to stop shop");
        mistyped.detail = r#"{"denial":"owner_required","by_token":true}"#.to_owned();
        assert_eq!(sentence(&mistyped), "wasn't allowed to stop shop with the access token that asked");
    }

    #[test]
    fn a_difference_is_said_in_words() {
        let mut changed = event("workspace.change", Outcome::Done, Some("Acme"));
        changed.detail = r##"{"before":{"name":"A","primary_color":"#000000"},"after":{"name":"B","primary_color":"#ffffff"}}"##.to_owned();
        assert_eq!(sentence(&changed), "changed the workspace's name and colour");
        for (asked, said) in [
            ("true", "began to demand a second factor of every member"),
            ("false", "stopped demanding a second factor"),
        ] {
            changed.detail = format!(r#"{{"before":{{}},"after":{{"requires_second_factor":"{asked}"}}}}"#);
            assert_eq!(sentence(&changed), said);
        }
        changed.detail = r#"{"before":{},"after":{"slug":"b","requires_second_factor":"true"}}"#.to_owned();
        assert_eq!(
            sentence(&changed),
            "changed the workspace's slug, and began to demand a second factor of every member"
        );
        let mut made = event("member.change_role", Outcome::Done, Some("Tess"));
        made.detail = r#"{"from":"member","to":"owner"}"#.to_owned();
        assert_eq!(sentence(&made), "made Tess an owner");
    }
}
