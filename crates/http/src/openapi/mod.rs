//! The API's description (OpenAPI 3.1), made from the registered routes and their handlers' types.

mod operation;
mod problems;
pub(crate) mod words;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::router::Registered;

pub use problems::{codes_of, statuses};

/// What one handler's types say of its operation.
#[derive(Default, Clone)]
pub struct Description {
    pub body: Option<Value>,
    /// Whether the body may be left out.
    pub is_body_optional: bool,
    /// The media types of a body that isn't JSON.
    pub sent: Vec<&'static str>,
    pub query: Option<Value>,
    /// The forms in which the answer may come, each with its schema.
    pub answers: BTreeMap<&'static str, Value>,
    /// Whether the handler compares `If-Match`.
    pub is_guarded: bool,
    /// Whether `Last-Event-ID` says where a stream goes on.
    pub is_resumable: bool,
    /// Whether a stretch of it can be asked for.
    pub is_archive: bool,
    /// Whether `If-None-Match` is answered with 304.
    pub is_conditional: bool,
    /// Whether `If-None-Match: *` makes only what isn't there.
    pub is_creating: bool,
    pub schemas: BTreeMap<String, Value>,
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or(Value::Null)
}

impl Description {
    fn keep<T: ToSchema>(&mut self) -> BTreeMap<String, Value> {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        schemas.into_iter().map(|(name, schema)| (name, value(&schema))).collect()
    }

    fn refer<T: ToSchema>(&mut self, finish: fn(&mut Value)) -> Value {
        let mut schemas = self.keep::<T>();
        let name = T::name().into_owned();
        schemas.insert(name.clone(), value(&<T as PartialSchema>::schema()));
        schemas.values_mut().for_each(finish);
        self.schemas.extend(schemas);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    pub(crate) fn body<T: ToSchema>(&mut self) {
        let schema = self.refer::<T>(|_| {});
        self.body = Some(schema);
    }

    pub(crate) fn answer<T: ToSchema>(&mut self, content_type: &'static str) {
        let schema = self.refer::<T>(always_there);
        self.answers.insert(content_type, schema);
    }

    /// A page for a person.
    pub(crate) fn html(&mut self) {
        self.answers.insert("text/html", json!({ "type": "string" }));
    }

    /// A PNG.
    pub(crate) fn picture(&mut self) {
        self.answers.insert("image/png", binary());
        self.is_conditional = true;
    }

    /// Bytes as they are.
    pub(crate) fn binary(&mut self) {
        self.answers.insert("application/octet-stream", binary());
    }

    /// A body of any bytes.
    pub(crate) fn sent_bytes(&mut self) {
        self.sent = vec!["application/octet-stream"];
        self.is_creating = true;
    }

    /// A large file, whole or a stretch of it.
    pub(crate) fn archive(&mut self) {
        self.answers.insert("application/zstd", binary());
        self.is_archive = true;
    }

    /// A body of one of these media types, as it is.
    pub(crate) fn sent_picture<const N: usize>(&mut self, kinds: [&'static str; N]) {
        self.sent = kinds.to_vec();
    }

    /// What a webhook sends.
    pub(crate) fn sent_hook(&mut self) {
        self.sent = vec!["application/json"];
    }

    /// The fields of `T` become parameters.
    pub(crate) fn query<T: ToSchema>(&mut self) {
        let schemas = self.keep::<T>();
        self.schemas.extend(schemas);
        self.query = Some(value(&<T as PartialSchema>::schema()));
    }
}

fn binary() -> Value {
    json!({ "type": "string", "format": "binary" })
}

/// What an answer holds as `null` is there all the same; what may be left out is never `null`, save what says of itself
/// that it can be either (`x-may-be-missing`).
fn always_there(schema: &mut Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let optional = |property: &Value| {
        let is_null = |one: &Value| one == "null" || one.get("type").is_some_and(|kind| kind == "null");
        ["type", "oneOf"].iter().any(|key| {
            property.get(*key).and_then(Value::as_array).is_some_and(|all| all.iter().any(is_null))
        })
    };
    let missing = |property: &Value| property.get("x-may-be-missing").is_some();
    let mut required: Vec<String> = properties
        .iter()
        .filter(|(_, property)| optional(property) && !missing(property))
        .map(|(name, _)| name.clone())
        .collect();
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        required
            .extend(name.as_str().filter(|name| !required.iter().any(|one| one == name)).map(str::to_owned));
    }
    required.sort_unstable();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("required".to_owned(), json!(required));
    }
}

/// The name of a schema as clients see it: what is called a view here is the thing there.
fn public_name(name: &str) -> &str {
    name.strip_suffix("View").unwrap_or(name)
}

fn with_public_names(value: &mut Value) {
    const BEFORE: &str = "#/components/schemas/";
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(BEFORE)
            {
                *reference = format!("{BEFORE}{}", public_name(name));
            }
            object.values_mut().for_each(with_public_names);
        }
        Value::Array(all) => all.iter_mut().for_each(with_public_names),
        _ => {}
    }
}

const ABOUT: &str = "The page, the command line and everybody's scripts use this one API. Times are RFC 3339 in UTC with \
milliseconds, sizes are bytes, ids are UUIDv7. Where a path takes `{workspace}`, `{project}`, `{instance}` or `{server}` it \
takes the slug or the id. Every problem is `application/problem+json`: switch on its `code`. A request for a host name that \
is nobody's is answered with 421 `misdirected`. Hosted repositories are served by git's smart HTTP protocol at \
`/git/{workspace}/{project}.git`, which isn't described here.";

/// The whole description.
#[must_use]
pub fn document(routes: &[Registered], version: &str) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for route in routes {
        let path = paths.entry(route.path.to_owned()).or_default();
        path.insert(route.method.as_str().to_ascii_lowercase(), operation::described(route));
        let named = route.description.schemas.iter();
        schemas.extend(named.map(|(name, schema)| (public_name(name).to_owned(), schema.clone())));
    }
    schemas.extend(problems::schemas());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stoa",
            "version": version,
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": operation::tags(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": problems::unread_responses(),
            "securitySchemes": {
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-stoa",
                    "description": "The page's session. On plain HTTP the cookie is named `stoa-<port>`. Requests other \
                        than GET and HEAD need an `Origin` that is Stoa's own.",
                },
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "A personal access token: `stoa_pat_…`.",
                },
            },
        },
    });
    with_public_names(&mut document);
    document
}

/// `docs/permissions.md`: which permission each route asks for.
#[must_use]
pub fn permission_table(routes: &[Registered]) -> String {
    let mut text = String::from(
        "# Who may call what\n\nGenerated from the gates of the registered routes (`crates/http/src/gate`). \
         `public` needs no sign-in, `account` a sign-in alone, `administrator` one by who administers the installation; \
         everything else is decided in a workspace.\n\n\
         | method | path | permission | operation |\n| --- | --- | --- | --- |\n",
    );
    for route in routes {
        text.push_str(&format!(
            "| {} | `{}` | `{}` | {} |\n",
            route.method, route.path, route.gate.permission, route.gate.operation
        ));
    }
    text
}
