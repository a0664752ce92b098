//! Many changes in one request. In: commands. Out: which of them the server refused, and why.
//!
//! Solr stops at the first command that it refuses and has done those before it. Doing a command again is doing it once,
//! so a request that is refused, or too large, is sent in halves until what is refused is alone.

use serde_json::{Value, json};
use vizsla::{Result, TimeLimits};

use super::Solr;
use crate::http::{Call, checked};
use crate::writer::{Patience, not_written};

/// One part of a request: a name and what it is to be done with.
#[derive(Debug, Clone)]
pub(super) struct Command(String);

impl Command {
    /// Adds a document, or replaces the one with its id.
    pub(super) fn add(document: &Value) -> Self {
        Self(format!("\"add\":{}", json!({"doc": document})))
    }

    pub(super) fn delete(id: &str) -> Self {
        Self(format!("\"delete\":{}", json!({"id": id})))
    }

    pub(super) fn delete_all(query: &str) -> Self {
        Self(format!("\"delete\":{}", json!({"query": query})))
    }

    /// Makes what was written visible and durable.
    pub(super) fn commit() -> Self {
        Self("\"commit\":{}".to_owned())
    }
}

/// A command that the server will not do, by its place, and why.
pub(super) type Refused = (usize, String);

impl Solr {
    /// Sends commands in order; the places of those that were refused.
    pub(super) fn update(&self, commands: &[Command]) -> Result<Vec<Refused>> {
        let mut refused = Vec::new();
        if !commands.is_empty() {
            self.send(commands, 0, &mut refused)?;
        }
        Ok(refused)
    }

    /// Sends commands that must not be refused.
    pub(super) fn must_update(&self, commands: &[Command]) -> Result<()> {
        match self.update(commands)?.first() {
            Some((_, reason)) => Err(not_written(reason)),
            None => Ok(()),
        }
    }

    /// Sends commands, of which the first has this place.
    fn send(&self, commands: &[Command], first: usize, refused: &mut Vec<Refused>) -> Result<()> {
        let parts: Vec<&str> = commands.iter().map(|command| command.0.as_str()).collect();
        // A name may stand in an update again and again.
        let body = format!("{{{}}}", parts.join(","));
        let time = TimeLimits::default();
        let mut patience = Patience::new();
        let reply = loop {
            let call = Call::post(self.path("update?wt=json"), &Value::Null, &time);
            let reply = self.client.send(&call.with_text(body.clone()))?;
            if !matches!(reply.status, 429 | 503) {
                break reply;
            }
            patience.pause(&self.address)?;
        };
        let status = reply.status;
        let doing = format!("write to the collection {} of", self.address.index());
        match checked(reply, &doing) {
            Ok(_) => Ok(()),
            Err(error) if !matches!(status, 400 | 413) => Err(error),
            Err(error) if commands.len() == 1 => {
                refused.push((first, error.to_string()));
                Ok(())
            }
            Err(_) => {
                let half = commands.len() / 2;
                self.send(&commands[..half], first, refused)?;
                self.send(&commands[half..], first + half, refused)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use vizsla::ErrorKind;

    use super::*;
    use crate::fake::{Fake, Received, answer};
    use crate::http::Client;

    /// A collection whose updates are answered as `update` says.
    fn solr(update: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> (Fake, Solr) {
        let fake = Fake::start(move |request| match request.path.as_str() {
            "/admin/info/system?wt=json" => answer(200, &json!({"mode": "solrcloud"})),
            path if path.starts_with("/notes/update?") => update(request),
            _ => answer(200, &json!({"schema": {"uniqueKey": "id"}})),
        });
        let address = format!("solr+{}/notes", fake.url()).parse().unwrap();
        let client = Client::new(vec![fake.url()], None, None).unwrap();
        (fake, Solr::connect(client, address).unwrap())
    }

    fn commands(count: usize) -> Vec<Command> {
        (0..count).map(|id| Command::add(&json!({"id": format!("<{id}>")}))).collect()
    }

    fn refusing(what: &'static str, status: u16) -> impl Fn(&Received) -> Vec<u8> {
        move |request| {
            let refused = request.body.contains(what);
            let error =
                json!({"error": {"msg": format!("ERROR: [doc={what}] no"), "code": status}});
            if refused { answer(status, &error) } else { answer(200, &json!({})) }
        }
    }

    #[test]
    fn what_is_refused_is_found_and_the_rest_is_written() {
        let (fake, solr) = solr(refusing("<2>", 400));
        let refused = solr.update(&commands(5)).unwrap();
        assert!(refused.len() == 1 && refused[0].0 == 2, "{refused:?}");
        assert!(refused[0].1.contains("[doc=<2>] no"), "{refused:?}");
        let received = fake.received();
        let taken = received.iter().filter(|of| of.method == "POST" && !of.body.contains("<2>"));
        let taken: String = taken.map(|of| of.body.clone()).collect();
        assert!(["<0>", "<1>", "<3>", "<4>"].iter().all(|id| taken.contains(id)), "{taken}");
    }

    #[test]
    fn a_document_that_is_too_large_is_named() {
        let (_fake, solr) = solr(refusing("<0>", 413));
        let refused = solr.update(&commands(3)).unwrap();
        assert!(refused.len() == 1 && refused[0].1.contains("too large"), "{refused:?}");
    }

    #[test]
    fn a_busy_server_is_asked_again_and_one_that_fails_is_an_error() {
        let left = Mutex::new(2);
        let (_fake, busy) = solr(move |_| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                return answer(200, &json!({}));
            }
            *left -= 1;
            answer(429, &json!({}))
        });
        assert!(busy.update(&commands(1)).unwrap().is_empty());
        for (status, kind) in
            [(401, ErrorKind::Denied), (403, ErrorKind::Denied), (500, ErrorKind::Unavailable)]
        {
            let (_fake, solr) = solr(move |_| answer(status, &json!({"error": {"msg": "no"}})));
            assert_eq!(solr.update(&commands(2)).unwrap_err().kind(), kind);
        }
    }
}
