//! Why the database did not do what it was asked to. In: an error of the client. Out: one that names the database, and what
//! helps where the server is not trusted.

use std::error::Error as _;

use postgres::error::SqlState;
use vizsla::{Error, ErrorKind};

use crate::address::Address;

/// An error of the client as one of ours.
pub(super) fn failed(error: &postgres::Error, address: &Address) -> Error {
    let why = match error.as_db_error() {
        Some(error) => error.message().to_owned(),
        None => whole_text(error),
    };
    let kind = match error.code() {
        Some(state) => kind(state),
        None if why.contains("certificate") || why.contains("TLS") => ErrorKind::Denied,
        None => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("the database {address} failed: {why}"))
}

fn kind(state: &SqlState) -> ErrorKind {
    let is = |states: &[SqlState]| states.contains(state);
    if is(&[SqlState::QUERY_CANCELED]) {
        ErrorKind::TimedOut
    } else if is(&[
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ]) {
        ErrorKind::Denied
    } else if is(&[SqlState::INVALID_CATALOG_NAME, SqlState::UNDEFINED_TABLE]) {
        ErrorKind::NotFound
    } else if is(&[SqlState::UNDEFINED_COLUMN]) {
        ErrorKind::InvalidInput
    } else if is(&[SqlState::DISK_FULL]) {
        ErrorKind::NoSpace
    } else if is(&[SqlState::TOO_MANY_CONNECTIONS, SqlState::ADMIN_SHUTDOWN]) {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Retrieve
    }
}

/// An error with its causes.
fn whole_text(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        // Some repeat their cause.
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    if text.contains("certificate") {
        text.push_str("; ca=FILE in the address names the certificates of its authority");
    }
    text
}
