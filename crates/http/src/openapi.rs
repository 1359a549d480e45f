//! The API's description (OpenAPI 3.1), made from the registered routes and their handlers' types.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::router::Registered;

/// What one handler's types say of its operation.
#[derive(Default, Clone)]
pub struct Description {
    pub body: Option<Value>,
    pub query: Option<Value>,
    pub answer: Option<Value>,
    pub status: Option<u16>,
    pub schemas: BTreeMap<String, Value>,
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or(Value::Null)
}

impl Description {
    fn keep<T: ToSchema>(&mut self) {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        for (name, schema) in schemas {
            self.schemas.insert(name, value(&schema));
        }
    }

    fn refer<T: ToSchema>(&mut self) -> Value {
        self.keep::<T>();
        let name = T::name().into_owned();
        self.schemas.insert(name.clone(), value(&<T as PartialSchema>::schema()));
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    pub(crate) fn body<T: ToSchema>(&mut self) {
        let schema = self.refer::<T>();
        self.body = Some(schema);
    }

    pub(crate) fn answer<T: ToSchema>(&mut self) {
        let schema = self.refer::<T>();
        self.answer = Some(schema);
    }

    /// The fields of `T` become parameters.
    pub(crate) fn query<T: ToSchema>(&mut self) {
        self.keep::<T>();
        self.query = Some(value(&<T as PartialSchema>::schema()));
    }

    pub(crate) fn status(&mut self, status: u16) {
        self.status = Some(status);
    }
}

fn parameters(route: &Registered) -> Vec<Value> {
    let mut all: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let query = route.description.query.as_ref();
    if let Some(fields) = query.and_then(|schema| schema.get("properties")).and_then(Value::as_object) {
        for (name, schema) in fields {
            all.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
        }
    }
    all
}

fn operation(route: &Registered) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(operation_id(route)));
    operation.insert("x-stoa-permission".to_owned(), json!(route.gate.permission));
    operation.insert("parameters".to_owned(), Value::Array(parameters(route)));
    if let Some(body) = &route.description.body {
        operation.insert(
            "requestBody".to_owned(),
            json!({ "required": true, "content": { "application/json": { "schema": body } } }),
        );
    }
    let status = route.sample.status.to_string();
    let mut success = json!({ "description": "Done." });
    if let (Some(answer), Some(success)) = (&route.description.answer, success.as_object_mut()) {
        success.insert("content".to_owned(), json!({ "application/json": { "schema": answer } }));
    }
    let problem = json!({ "description": "A problem.", "content": { "application/problem+json": {
        "schema": { "$ref": "#/components/schemas/Problem" } } } });
    operation.insert("responses".to_owned(), json!({ status: success, "default": problem }));
    if route.gate.permission == "public" {
        operation.insert("security".to_owned(), json!([]));
    }
    Value::Object(operation)
}

/// `get /api/v1/workspaces/{workspace}/members` → `get_workspaces_by_workspace_members`.
fn operation_id(route: &Registered) -> String {
    let mut id = route.method.as_str().to_ascii_lowercase();
    for part in route.path.trim_start_matches("/api/v1").split('/').filter(|part| !part.is_empty()) {
        id.push('_');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => id.push_str(&format!("by_{name}")),
            None => id.push_str(&part.replace(['-', '.'], "_")),
        }
    }
    id
}

/// The whole description.
#[must_use]
pub fn document(routes: &[Registered], version: &str) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    for route in routes {
        let path = paths.entry(route.path.to_owned()).or_default();
        path.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        schemas.extend(route.description.schemas.clone());
    }
    schemas.insert(
        "Problem".to_owned(),
        json!({ "type": "object", "required": ["type", "title", "status", "detail", "code"], "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "detail": { "type": "string" }, "code": { "type": "string" },
            "missing": { "type": "array", "items": { "type": "string" } },
            "ask": { "type": "array", "items": { "type": "object", "properties": { "name": { "type": "string" } } } },
            "errors": { "type": "array", "items": { "type": "object", "properties": {
                "field": { "type": "string" }, "code": { "type": "string" }, "detail": { "type": "string" } } } } } }),
    );
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Stoa", "version": version, "license": { "name": "Apache-2.0" } },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-stoa" },
                "token": { "type": "http", "scheme": "bearer" },
            },
        },
        "security": [{ "session": [] }, { "token": [] }],
    })
}

/// `docs/permissions.md`: which permission each route asks for.
#[must_use]
pub fn permission_table(routes: &[Registered]) -> String {
    let mut text = String::from(
        "# Who may call what\n\nGenerated from the gates of the registered routes (`crates/http/src/gate`). \
         `public` needs no sign-in, `account` a sign-in alone; everything else is decided in a workspace.\n\n\
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
