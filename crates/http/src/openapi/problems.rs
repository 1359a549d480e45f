//! By what an operation may be refused: what follows from its gate, its arguments and its method, and what it says
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stoa_domain::{AccountNeed, Refusal};

use crate::gate::GateKind;
use crate::problem::{examples, tell};
use crate::repeat;
use crate::router::Registered;

/// The codes of all problems that the operation can answer with, sorted.
#[must_use]
pub fn codes_of(route: &Registered) -> BTreeSet<&'static str> {
    let mut codes = BTreeSet::from(["internal", "unavailable"]);
    if route.path.starts_with("/api/") && !crate::server::is_open(route.path) {
        codes.insert("setup_needed");
    }
    // A credential that can't be read is never passed over.
    codes.insert("unauthenticated");
    let writes = !matches!(route.method.as_str(), "GET" | "HEAD");
    if writes {
        codes.extend(["cross_origin", "disk_full"]);
    }
    match route.gate.kind {
        GateKind::Public | GateKind::Account(AccountNeed::SignedIn) => {}
        GateKind::Account(AccountNeed::Session | AccountNeed::Unnarrowed) => {
            _ = codes.insert("permission_denied")
        }
        GateKind::Account(AccountNeed::Confirmed) => codes.extend(["permission_denied", "password_required"]),
        GateKind::Administrator => _ = codes.insert("administrator_required"),
        GateKind::Workspace => {
            codes.extend(["not_found", "second_factor_required"]);
            codes.extend(of_permission(&route.gate.permission));
            if route.gate.is_viewed_as {
                codes.extend(["permission_denied", "view_as_read_only"]);
            }
        }
    }
    let told = &route.description;
    // A body is read strictly even where none is taken.
    if told.body.is_some() || writes {
        codes.extend(["invalid", "payload_too_large", "request_timeout", "unsupported_media_type"]);
    }
    if told.query.is_some() {
        codes.insert("invalid");
    }
    if told.is_guarded {
        codes.insert("precondition_failed");
    }
    if is_repeatable(route) {
        codes.extend(["conflict", "idempotency_mismatch", "invalid", "payload_too_large", "request_timeout"]);
    }
    codes.extend(&route.operation.refusals);
    codes
}

/// What a member is refused by for want of a permission.
fn of_permission(permission: &str) -> &'static [&'static str] {
    match permission.split('@').next().unwrap_or_default() {
        "member" => &[],
        "owner" => &["owner_required"],
        "started" => &["owner_required", "permission_denied"],
        _ => &["permission_denied"],
    }
}

/// Whether the operation takes an `Idempotency-Key`.
pub(super) fn is_repeatable(route: &Registered) -> bool {
    let writes = !matches!(route.method.as_str(), "GET" | "HEAD");
    writes && route.gate.kind != GateKind::Public && !repeat::is_never_repeated(route.path)
}

/// The answers by which an operation is refused, by status.
pub(super) fn responses(route: &Registered) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<u16, BTreeSet<&'static str>> = BTreeMap::new();
    let statuses = statuses();
    for code in codes_of(route) {
        // A test walks all operations, so that none names a code that there isn't.
        // Due at sign-in it is 401; demanded by a workspace, 403.
        let of_code = statuses.get(code).into_iter().flatten().copied();
        let status = if route.gate.kind == GateKind::Workspace { of_code.max() } else { of_code.min() };
        let status = status.unwrap_or(500);
        by_status.entry(status).or_default().insert(code);
    }
    let response = |(status, codes): (u16, BTreeSet<&'static str>)| {
        let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let mut response = json!({
            "description": named.join(", "),
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            "x-stoa-codes": codes,
        });
        if status == 429 {
            response["headers"] = json!({ "Retry-After": {
                "description": "Seconds after which to try again.",
                "required": true,
                "schema": { "type": "integer", "minimum": 1 },
            } });
        }
        (status.to_string(), response)
    };
    by_status.into_iter().map(response).collect()
}

/// What is answered before a request is anybody's: by the server that reads it, not by a route, so with each of them.
const UNREAD: [(u16, &str, &str); 2] = [
    (
        400,
        "NotUnderstood",
        "This isn't HTTP as it has to be: a header holds what none may hold, or the request names its host, its length or \
         itself in two ways. Nothing of it was looked at.",
    ),
    (
        431,
        "HeadTooLarge",
        "The address and the headers are longer than 64 KiB, or there are more than 100 headers. Nothing of the request was \
         looked at.",
    ),
];

/// Those answers, by status, as each operation refers to them.
pub(super) fn unread() -> impl Iterator<Item = (String, Value)> {
    UNREAD.iter().map(|(status, name, _)| {
        (status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
    })
}

/// The same, as they stand once for all.
pub(super) fn unread_responses() -> BTreeMap<&'static str, Value> {
    UNREAD.iter().map(|(_, name, description)| (*name, json!({ "description": description }))).collect()
}

/// The statuses that each code comes with: one, but for what is due at sign-in and may be demanded later.
#[must_use]
pub fn statuses() -> BTreeMap<&'static str, BTreeSet<u16>> {
    let told = |refusal: &Refusal| {
        let told = tell(refusal);
        (told.code, told.status.as_u16())
    };
    let mut statuses: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
    for (code, status) in examples().iter().map(told).chain([("internal", 500)]) {
        statuses.entry(code).or_default().insert(status);
    }
    statuses
}

pub(super) fn schemas() -> BTreeMap<String, Value> {
    let text = || json!({ "type": "string" });
    let code = json!({ "type": "string", "enum": crate::problem::codes(),
        "description": "The stable words by which problems are told apart." });
    let field = json!({
        "type": "object",
        "required": ["code", "detail", "field"],
        "properties": {
            "field": { "type": "string", "description": "The field of the body or the query; parts are joined by dots." },
            "code": text(),
            "detail": text(),
        },
    });
    let problem = json!({
        "type": "object",
        "description": "Why a request wasn't carried out (RFC 9457).",
        "required": ["code", "detail", "status", "title", "type"],
        "properties": {
            "type": text(),
            "title": text(),
            "status": { "type": "integer", "format": "int32" },
            "detail": { "type": "string", "description": "A sentence for a person, which says what to do next." },
            "code": { "$ref": "#/components/schemas/ProblemCode" },
            "missing": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/ActionKey" },
                "description": "The action permissions that are missing.",
            },
            "ask": {
                "type": "array",
                "items": { "type": "object", "required": ["name"], "properties": { "name": text() } },
                "description": "The owners who can grant them.",
            },
            "code_required": {
                "type": "boolean",
                "description": "A second factor is due: `code` or `passkey` have to be sent too.",
            },
            "ways": {
                "type": "array",
                "items": { "type": "string", "enum": ["code", "passkey", "recovery_code"] },
                "description": "In which ways the second factor can be shown.",
            },
            "workspaces": {
                "type": "array",
                "items": { "type": "object", "required": ["name"], "properties": { "name": text() } },
                "description": "The workspaces whose last owner one is.",
            },
            "instances": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "slug"],
                    "properties": { "slug": text(), "name": text() },
                },
                "description": "The instances that keep a workspace from being deleted, 100 at most.",
            },
            "conflicts": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/MergeConflictView" },
                "description": "The files that keep two branches from being merged, 300 at most.",
            },
            "retry_after": {
                "type": "integer",
                "description": "Seconds after which the AI provider says to try again.",
            },
            "errors": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/FieldProblem" },
                "description": "What is wrong with each field.",
            },
        },
    });
    [("FieldProblem", field), ("Problem", problem), ("ProblemCode", code)]
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}
