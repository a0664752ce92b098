//! Who may ask: the checks that every request passes before a handler sees it, and the headers of every answer.
//!
//! A page of any site can make a browser send requests to a server on the same machine. The check of the host stops a
//! name that was pointed here to get around the same-origin policy (DNS rebinding); that of the origin stops requests
//! that a foreign page makes openly.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::state::State;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ID_LENGTH: usize = 128;

/// The policy of pages: nothing but our own files, and no script that makes markup from text.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vizsla";

/// The id of a request, from its header or made here.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Checks a request, passes it on, and completes the headers of the answer.
pub(crate) async fn guard(
    Shared(state): Shared<Arc<State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let allowed = allowed_origin(&state, request.headers());
    let checked = check(&state, &request);
    let mut response = match checked {
        Err(error) => error.into_response(),
        Ok(()) if method == Method::OPTIONS && allowed.is_some() => {
            axum::http::StatusCode::NO_CONTENT.into_response()
        }
        Ok(()) => next.run(request).await,
    };
    finish(&mut response, &id, allowed);
    if state.options.log_requests {
        log(&state, (&id, &method, &uri), response.status().as_u16(), start);
    }
    response
}

fn check(state: &State, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let path = request.uri().path();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str))
        .unwrap_or_default();
    if !is_our_name(&state.options.hosts, host) {
        return Err(ApiError::forbidden(format!(
            "this server does not go by the name {host:?}; --allow-host adds one"
        )));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("null");
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let own = own.is_some_and(|own| {
            own.eq_ignore_ascii_case(host) || (path.starts_with("/mcp") && is_this_machine(own))
        });
        if !own && allowed_origin(state, headers).is_none() {
            return Err(ApiError::forbidden(format!(
                "pages of {origin:?} may not use this server; --allow-origin lets them"
            )));
        }
    }
    let is_preflight = request.method() == Method::OPTIONS;
    let is_open = matches!(path, "/health" | "/ping" | "/live") || is_preflight;
    match &state.options.token {
        Some(token) if !is_open && !has_token(headers, token) => Err(ApiError::unauthorized()),
        _ => Ok(()),
    }
}

/// Whether a request was sent to a name of this server. An address is one always, since no name led to it.
fn is_our_name(hosts: &[String], host: &str) -> bool {
    let name = without_port(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    match address {
        Ok(address) => !address.is_unspecified(),
        Err(_) => {
            name.eq_ignore_ascii_case("localhost")
                || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = without_port(host);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn allowed_origin(state: &State, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    state.options.origins.iter().any(|known| known == text).then(|| origin.clone())
}

/// Programs send the token as a bearer; browsers ask people for it as the password of any user.
fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let Some(given) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let Some((scheme, value)) = given.split_once(' ') else { return false };
    let same = |given: &[u8]| bool::from(given.ct_eq(token.as_bytes()));
    if scheme.eq_ignore_ascii_case("bearer") {
        return same(value.trim().as_bytes());
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(value.trim());
    scheme.eq_ignore_ascii_case("basic")
        && decoded.is_ok_and(|pair| {
            pair.iter().position(|b| *b == b':').is_some_and(|colon| same(&pair[colon + 1..]))
        })
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let fits =
        |id: &&str| (1..=ID_LENGTH).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    given.filter(fits).map_or_else(new_id, str::to_owned)
}

/// Unique in this process, and nearly so beyond.
pub(crate) fn new_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos() as u64);
    format!("{nanos:016x}{:08x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn finish(response: &mut Response, id: &str, origin: Option<HeaderValue>) {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if is_page {
        set(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }
    if let Some(origin) = origin {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-request-id");
        set(header::VARY, "Origin");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let shared = HeaderValue::from_static("cross-origin");
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), shared);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the log was asked for, and standard error is where it goes"
)]
fn log(state: &State, (id, method, uri): (&str, &Method, &Uri), status: u16, start: Instant) {
    let query = uri.query().filter(|_| state.options.log_queries);
    let line = serde_json::json!({
        "id": id, "method": method.as_str(), "path": uri.path(), "query": query, "status": status,
        "ms": (start.elapsed().as_secs_f64() * 1e6).round() / 1e3,
    });
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_pass() {
        let hosts = ["search.example".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:8765",
            "127.0.0.1:1",
            "[::1]:8765",
            "192.168.1.5",
            "search.example:80",
        ] {
            assert!(is_our_name(&hosts, host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "0.0.0.0:8765",
            "[::]",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_our_name(&hosts, host), "{host}");
        }
    }

    #[test]
    fn a_token_comes_as_a_bearer_or_as_a_password() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            has_token(&headers, "se:cret")
        };
        // "me:se:cret" and "me:other"
        for (value, passes) in [
            ("Bearer se:cret", true),
            ("bearer se:cret", true),
            ("Basic bWU6c2U6Y3JldA==", true),
            ("Basic bWU6b3RoZXI=", false),
            ("Bearer secret", false),
            ("Bearer", false),
            ("Basic %%%", false),
            ("se:cret", false),
        ] {
            assert_eq!(with(value), passes, "{value}");
        }
        assert!(!has_token(&HeaderMap::new(), "x"));
    }
}
