//! Many changes in one request. In: lines of actions. Out: which of them the engine refused, and why.
//!
//! An engine that is too busy refuses single actions; these are sent again after a pause. A request that is too large for
//! it is sent in halves.

use serde_json::{Value, json};
use vizsla::{Result, TimeLimits};

use super::Cluster;
use crate::http::{Call, Method, checked};
use crate::writer::{Patience, not_written};

/// An action: the line that says what it is, and the document if it has one.
#[derive(Debug, Clone)]
pub(super) struct Action {
    line: String,
}

impl Action {
    pub(super) fn index(index: &str, id: &str, document: &Value) -> Self {
        Self { line: format!("{}\n{document}\n", json!({"index": {"_index": index, "_id": id}})) }
    }

    pub(super) fn delete(index: &str, id: &str) -> Self {
        Self { line: format!("{}\n", json!({"delete": {"_index": index, "_id": id}})) }
    }
}

/// An action that the engine will not do, by its place, and why.
pub(super) type Refused = (usize, String);

impl Cluster {
    /// Sends actions in order; the places of those that were refused.
    pub(super) fn bulk(&self, actions: &[Action]) -> Result<Vec<Refused>> {
        let mut refused = Vec::new();
        let mut open: Vec<usize> = (0..actions.len()).collect();
        let mut patience = Patience::new();
        while !open.is_empty() {
            let busy = self.send_actions(actions, &open, &mut refused)?;
            if !busy.is_empty() {
                patience.pause(&self.address)?;
            }
            open = busy;
        }
        refused.sort_unstable();
        Ok(refused)
    }

    /// Sends the actions at these places; those that a busy engine refused.
    fn send_actions(
        &self,
        actions: &[Action],
        places: &[usize],
        refused: &mut Vec<Refused>,
    ) -> Result<Vec<usize>> {
        let lines: String = places.iter().map(|place| actions[*place].line.as_str()).collect();
        let time = TimeLimits::default();
        let path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";
        let reply = self
            .client
            .send(&Call::new(Method::POST, path, &time).with_lines(lines.into_bytes()))?;
        if reply.status == 413 {
            let (first, second) = places.split_at(places.len() / 2);
            if first.is_empty() {
                refused.extend(
                    second
                        .iter()
                        .map(|place| (*place, "it is larger than the engine accepts".to_owned())),
                );
                return Ok(Vec::new());
            }
            let mut busy = self.send_actions(actions, first, refused)?;
            busy.extend(self.send_actions(actions, second, refused)?);
            return Ok(busy);
        }
        let body = checked(reply, "write to the index of")?;
        let items = body.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if items.len() != places.len() {
            let (answered, sent) = (items.len(), places.len());
            return Err(not_written(&format!("it answered {answered} of {sent} actions")));
        }
        let mut busy = Vec::new();
        for (place, item) in places.iter().zip(items) {
            let Some(done) = item.as_object().and_then(|item| item.values().next()) else {
                continue;
            };
            match done.get("status").and_then(Value::as_u64) {
                Some(200..=299 | 404) => {}
                Some(429 | 503) => busy.push(*place),
                // A mistake of whoever is asked or asks, and not of the document.
                Some(status @ (401 | 403 | 500..)) => {
                    return Err(not_written(&format!("{} ({status})", why(done))));
                }
                _ => refused.push((*place, why(done))),
            }
        }
        Ok(busy)
    }
}

fn why(done: &Value) -> String {
    let text = |at: &str| done.pointer(at).and_then(Value::as_str);
    let reason = text("/error/reason").unwrap_or("it gave no reason");
    match text("/error/caused_by/reason") {
        Some(cause) => format!("{reason}: {cause}"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use vizsla::ErrorKind;

    use super::*;
    use crate::fake::{Fake, Received, answer};
    use crate::http::Client;

    /// A cluster whose `_bulk` answers as `bulk` says.
    fn cluster(bulk: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> (Fake, Cluster) {
        let fake = Fake::start(move |request| match request.path.as_str() {
            "/" => {
                let version = json!({"distribution": "opensearch", "number": "2.19.1"});
                answer(200, &json!({"version": version, "tagline": "x"}))
            }
            path if path.starts_with("/_bulk?") => bulk(request),
            _ => answer(404, &json!({})),
        });
        let address = format!("opensearch+{}/notes", fake.url()).parse().unwrap();
        let client = Client::new(vec![fake.url()], None, None).unwrap();
        (fake, Cluster::connect(client, address).unwrap())
    }

    fn actions(count: usize) -> Vec<Action> {
        let action = |id: usize| Action::index("notes", &id.to_string(), &json!({"content": "x"}));
        (0..count).map(action).collect()
    }

    fn ids(request: &Received) -> Vec<String> {
        let lines = request.body.lines().step_by(2);
        let id = |line: &str| {
            let action: Value = serde_json::from_str(line).unwrap();
            action["index"]["_id"].as_str().unwrap().to_owned()
        };
        lines.map(id).collect()
    }

    fn items(statuses: impl Iterator<Item = u16>) -> Vec<u8> {
        let error = json!({"type": "t", "reason": "r", "caused_by": {"reason": "c"}});
        let item = |status| match status {
            200 => json!({"index": {"status": 200}}),
            status => json!({"index": {"status": status, "error": error}}),
        };
        answer(200, &json!({"errors": true, "items": statuses.map(item).collect::<Vec<_>>()}))
    }

    #[test]
    fn what_a_busy_engine_refuses_is_sent_again_and_nothing_else() {
        let first = Mutex::new(true);
        let (fake, cluster) = cluster(move |request| {
            let is_first = std::mem::replace(&mut *first.lock().unwrap(), false);
            items(ids(request).iter().map(|id| if is_first && id == "1" { 429 } else { 200 }))
        });
        assert!(cluster.bulk(&actions(3)).unwrap().is_empty());
        let sent: Vec<Vec<String>> =
            fake.received().iter().filter(|of| of.method == "POST").map(ids).collect();
        assert_eq!(sent, [vec!["0", "1", "2"], vec!["1"]]);
    }

    #[test]
    fn what_is_refused_for_good_is_named_by_its_place() {
        let (_fake, cluster) = cluster(|request| {
            items(ids(request).iter().map(|id| if id == "2" { 400 } else { 200 }))
        });
        assert_eq!(cluster.bulk(&actions(3)).unwrap(), [(2, "r: c".to_owned())]);
    }

    #[test]
    fn a_request_that_is_too_large_is_sent_in_halves() {
        let (_fake, cluster) = cluster(|request| match ids(request).len() {
            1 if request.body.contains("\"_id\":\"3\"") => answer(413, &json!({})),
            1 | 2 => items(ids(request).iter().map(|_| 200)),
            _ => answer(413, &json!({})),
        });
        let refused = cluster.bulk(&actions(4)).unwrap();
        assert!(refused.is_empty(), "two at a time are taken: {refused:?}");
        let (_fake, cluster) = self::cluster(|request| match ids(request).as_slice() {
            [id] if id == "0" => items(std::iter::once(200)),
            _ => answer(413, &json!({})),
        });
        let refused = cluster.bulk(&actions(2)).unwrap();
        assert!(refused.len() == 1 && refused[0].0 == 1, "{refused:?}");
    }

    #[test]
    fn an_engine_that_fails_is_an_error_and_not_a_refusal() {
        for (status, kind) in
            [(401, ErrorKind::Denied), (403, ErrorKind::Denied), (500, ErrorKind::Unavailable)]
        {
            let (_fake, cluster) = cluster(move |_| answer(status, &json!({"error": "no"})));
            assert_eq!(cluster.bulk(&actions(1)).unwrap_err().kind(), kind);
        }
        // Fewer answers than actions.
        let (_fake, cluster) = cluster(|_| items(std::iter::once(200)));
        assert_eq!(cluster.bulk(&actions(2)).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
