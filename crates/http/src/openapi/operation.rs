//! One operation as the description has it.

use serde_json::{Map, Value, json};
use stoa_domain::AccountNeed;

use super::binary;
use super::problems::{is_repeatable, responses, unread};
use crate::gate::GateKind;
use crate::router::Registered;

/// Nouns by which operations are grouped, with what they are.
const TAGS: &[(&str, &str)] = &[
    ("installation", "The first account, health, and this description."),
    (
        "administration",
        "What administrators see and do: workspaces from outside, accounts, and how Stoa stands.",
    ),
    ("session", "Signing in and out."),
    ("account", "One's own account and its sessions."),
    ("second-factors", "Authenticator, passkeys and recovery codes of one's own account."),
    ("tokens", "Personal access tokens."),
    ("workspaces", "What a team shares."),
    ("logos", "The pictures that workspaces wear."),
    ("members", "Who is in a workspace, and what each may do."),
    ("permissions", "What members may do, asked from all sides."),
    ("presets", "Sets of action permissions under a name."),
    ("invitations", "Addresses asked into a workspace."),
    ("audit", "Who did what to what, when, from where, and whether it was allowed."),
    ("events", "What happens, as it happens."),
    ("jobs", "Work that goes on after its answer."),
    ("servers", "Machines as a workspace has them."),
    ("projects", "Applications: repositories and their branches."),
    ("remotes", "Repositories of projects that are elsewhere."),
    ("instances", "Running copies of projects."),
    ("environment", "The variables of instances."),
    ("settings", "What is set of instances, and what was changed of it."),
    ("connect-as", "Opening instances as one of their application's users."),
    ("deployments", "Attempts to make an instance run a commit."),
    ("logs", "What applications and deployments write."),
    ("metrics", "How much was used when, of servers and by instances."),
    ("backups", "Restorable copies of instances."),
    ("ide", "One's own desk on an instance: files, git, terminals."),
    ("visits", "Opening instances that are for members."),
];

pub(super) fn tags() -> Value {
    TAGS.iter().map(|(name, description)| json!({ "name": name, "description": description })).collect()
}

/// The noun that a path is about.
fn tag(path: &str) -> &'static str {
    let nouns = path.split('/').filter(|word| !word.starts_with('{'));
    let known = |word: &str| match word {
        "health" | "openapi.json" | "setup" => Some("installation"),
        "me" => Some("account"),
        "slug" => Some("workspaces"),
        "remote" | "hooks" => Some("remotes"),
        "visit" => Some("visits"),
        "passkeys" | "second-factor" | "recovery-codes" if path.contains("/me/") => Some("second-factors"),
        "connect" | "connect-as" => Some("connect-as"),
        "desk" | "files" | "search" | "status" | "diff" | "original" | "stage" | "commit" | "push"
        | "terminal" | "terminals"
            if path.contains("/instances/{instance}/") =>
        {
            Some("ide")
        }
        "merge" if path.contains("/git/merge") => Some("ide"),
        "logo" => Some("logos"),
        word => TAGS.iter().map(|(name, _)| *name).find(|name| *name == word),
    };
    let known: Vec<&'static str> = nouns.filter_map(known).collect();
    match known.as_slice() {
        // One's own sessions belong to the account.
        ["account", "session"] => "account",
        ["administration", ..] => "administration",
        [.., last] => last,
        [] => "installation",
    }
}

/// What a word of a path stands for.
fn path_parameter(name: &str) -> Value {
    let (schema, description) = match name {
        "workspace" | "project" | "instance" | "server" => {
            (json!({ "type": "string" }), "Its slug or its id.")
        }
        "commit" => (json!({ "type": "string" }), "Its whole SHA-1."),
        "path" => (json!({ "type": "string" }), "A path in the working copy, its slashes written as `%2F`."),
        "domain" => (json!({ "type": "string" }), "A host name of the instance's own."),
        "preset" => (json!({ "type": "string", "format": "uuid" }), "Its id."),
        "token" => (json!({ "type": "string" }), "The secret of an invitation's link."),
        _ => (json!({ "type": "string", "format": "uuid" }), "Its id."),
    };
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}

fn header_parameter(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": description,
        "schema": { "type": "string" } })
}

/// A query can't say `null`: what may be left out is left out.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.remove("description");
        if let Some(Value::Array(kinds)) = object.get("type")
            && let [one] = kinds.iter().filter(|kind| *kind != "null").collect::<Vec<_>>()[..]
        {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
        if let Some(Value::Array(kinds)) = object.get("oneOf")
            && let Some(one) = kinds.iter().find(|kind| kind.get("$ref").is_some())
        {
            return one.clone();
        }
    }
    schema
}

fn parameters(route: &Registered) -> Vec<Value> {
    let words = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = words.map(path_parameter).collect();
    if let Some(query) = &route.description.query {
        let required = |name: &str| {
            let required = query.get("required").and_then(Value::as_array);
            required.is_some_and(|all| all.iter().any(|one| one == name))
        };
        for (name, schema) in query.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut parameter = json!({ "name": name, "in": "query", "required": required(name),
                "schema": without_null(schema) });
            if let Some(description) = schema.get("description") {
                parameter["description"] = description.clone();
            }
            all.push(parameter);
        }
    }
    if route.description.is_guarded {
        let about = "The `ETag` that the change was made from: refused with 412 where it isn't the newest.";
        all.push(header_parameter("If-Match", about));
    }
    if route.gate.is_viewed_as {
        let about = "For owners: a member's id. Answered as that member sees it, read-only.";
        all.push(header_parameter("Stoa-View-As", about));
    }
    if is_repeatable(route) {
        let about = "The same key with the same request within 24 hours gives the first answer again.";
        all.push(header_parameter("Idempotency-Key", about));
    }
    if route.description.is_conditional {
        let about = "The `ETag` of what one has already: where it is still the same, 304 is answered.";
        all.push(header_parameter("If-None-Match", about));
    }
    if route.description.is_creating {
        let about = "`*` saves only where nothing is there: refused with 409 where something is.";
        all.push(header_parameter("If-None-Match", about));
    }
    if route.description.is_archive {
        let about =
            "A stretch from a byte on, `bytes=7-`: answered with 206, as from where a download broke.";
        all.push(header_parameter("Range", about));
    }
    if route.description.is_resumable {
        all.push(header_parameter(
            "Last-Event-ID",
            "The id of the last event that was read: what followed it is told.",
        ));
    }
    all
}

fn success(route: &Registered) -> Value {
    let told = &route.operation;
    let description = match told.status {
        101 => "From here on it is a WebSocket.",
        201 => "Made.",
        202 if told.mails => "A mail is on its way.",
        202 => "Begun; `job` tells how it goes on.",
        204 => "Done.",
        _ => "As asked.",
    };
    let mut success = json!({ "description": description });
    if !route.description.answers.is_empty() {
        let content = route.description.answers.iter();
        let content = content.map(|(kind, schema)| ((*kind).to_owned(), json!({ "schema": schema })));
        success["content"] = Value::Object(content.collect());
    }
    let text = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let mut headers = Map::new();
    if told.is_tagged {
        headers.insert("ETag".to_owned(), text("A hash of what can be edited, for `If-Match`."));
    }
    if told.status == 202 && !told.mails {
        headers.insert("Location".to_owned(), text("Where the job is followed."));
    }
    if told.sets_cookie {
        headers.insert("Set-Cookie".to_owned(), text("The session."));
    }
    if !headers.is_empty() {
        success["headers"] = Value::Object(headers);
    }
    success
}

fn security(kind: GateKind) -> Value {
    match kind {
        GateKind::Public => json!([]),
        GateKind::Account(AccountNeed::Session | AccountNeed::Confirmed) => json!([{ "session": [] }]),
        GateKind::Account(AccountNeed::SignedIn | AccountNeed::Unnarrowed)
        | GateKind::Administrator
        | GateKind::Workspace => {
            json!([{ "session": [] }, { "token": [] }])
        }
    }
}

pub(super) fn described(route: &Registered) -> Value {
    let mut answers = Map::new();
    answers.insert(route.operation.status.to_string(), success(route));
    if route.description.is_conditional {
        answers
            .insert("304".to_owned(), json!({ "description": "Nothing has changed since `If-None-Match`." }));
    }
    answers.extend(unread());
    answers.extend(responses(route));
    let mut operation = json!({
        "operationId": route.operation.id,
        "summary": route.operation.summary,
        "tags": [tag(route.path)],
        "x-stoa-permission": route.gate.permission,
        "security": security(route.gate.kind),
        "parameters": parameters(route),
        "responses": answers,
    });
    if !route.description.sent.is_empty() {
        let kinds =
            route.description.sent.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": binary() })));
        operation["requestBody"] = json!({ "required": true, "content": Value::Object(kinds.collect()) });
    }
    if let Some(body) = &route.description.body {
        let required = !route.description.is_body_optional;
        operation["requestBody"] =
            json!({ "required": required, "content": { "application/json": { "schema": body } } });
    }
    operation
}
