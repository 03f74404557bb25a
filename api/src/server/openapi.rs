//! The OpenAPI 3.1 description of the API: what handlers say of themselves, and the table of routes.

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::access::Access;
use super::routes;

const ABOUT: &str = "Certificates that hold against quantum computers: issued from certification \
                     requests, recorded before they are signed. Every refusal is a problem document \
                     (RFC 9457) whose `type` is explained at `/docs/problems`.";

/// The description as JSON text, the same on every server of this version.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // A tree of JSON values is always text.
        let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text.push('\n');
        text
    });
    &TEXT
}

/// The description.
pub fn document() -> Value {
    // It was made by the same library's types.
    let mut document = serde_json::to_value(routes::described()).unwrap_or_default();
    document["info"] = json!({
        "title": "Espalier",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/"}]);
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token of this server, or a token of an issuer that it trusts.",
        },
        "certificate": {
            "type": "mutualTLS",
            "description": "A client certificate that the server trusts.",
        },
    });
    for route in routes::table() {
        let method = route.method.as_str().to_lowercase();
        let operation = &mut document["paths"][route.path][method.as_str()];
        match route.access {
            Access::Open => operation["security"] = json!([]),
            Access::OneOf(roles) => {
                operation["security"] = json!([{"token": []}, {"certificate": []}]);
                let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
                operation["x-roles"] = json!(roles);
            }
        }
    }
    document
}

/// Each method, in small letters, with its path.
pub fn operations(described: &OpenApi) -> Vec<(String, String)> {
    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
    let value = serde_json::to_value(described).unwrap_or_default();
    let paths = value["paths"].as_object().cloned().unwrap_or_default();
    let of_path = |(path, item): (String, Value)| {
        let methods = METHODS.into_iter().filter(move |method| item.get(method).is_some());
        methods.map(move |method| (method.to_owned(), path.clone())).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_version_3_1_and_every_operation_has_its_name_and_says_who_may() {
        let document = document();
        let mut names = std::collections::BTreeSet::new();
        assert_eq!(document["openapi"], "3.1.0");
        for (method, path) in operations(&routes::described()) {
            let operation = &document["paths"][&path][&method];
            assert!(operation["security"].is_array(), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(names.insert(operation["operationId"].to_string()), "{method} {path}");
        }
    }
}
