//! Whose passage is scored next. In: calls with their pieces of work. Out: one piece at a time. Knows nothing of
//! threads, clocks or models.
//!
//! The policy is earliest eligible deadline first, as in Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline
//! First" (1995), used by Linux to schedule processes, but with the callers' own deadlines:
//!
//! 1. All calls get equal service, no matter when they arrived. A call that has had no more than its fair share since
//!    then is eligible, and among the eligible the one with the earliest deadline is next; calls without a deadline
//!    come after those with one. So a new call with a deadline is served at once, and after one piece lets the others
//!    catch up.
//!    Among the eligible, calls that have had nothing yet go first, so that as few as possible are answered without a
//!    single score.
//! 2. A call that is far behind its share goes first, the furthest behind before the others. So a stream of new calls
//!    with deadlines cannot hold up one that has none.
//! 3. Within a call, pieces keep the order in which they were added.
//!
//! With n calls each gets 1/n of the workers, to within one piece and the bound of rule 2. Shares are measured by the
//! pieces' estimated costs, which are known before scoring; whatever a call leaves unused goes to the others.

use std::collections::VecDeque;
use std::time::Instant;

/// How far behind its share a call may fall before it goes first, in units of cost: the bytes of two or three full
/// windows.
const MOST_BEHIND: u64 = 4096;
/// Costs are divided by the number of calls, so they are stored as fractions.
const FRACTION: u64 = 1 << 10;

/// Identifies a call in a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallId(u64);

/// One piece of a call's work, the unit at which calls take turns.
pub(super) struct Piece<W> {
    /// Its approximate cost, in any unit that all pieces share.
    pub(super) cost: u64,
    pub(super) work: W,
}

/// The work of all calls that has not been started.
pub(super) struct Schedule<C, W> {
    waiting: Vec<Waiting<C, W>>,
    /// The service that a call always given its fair share would have received by now.
    fair: u64,
    next_id: u64,
}

struct Waiting<C, W> {
    id: CallId,
    call: C,
    deadline: Option<Instant>,
    /// The service it has received, starting from the fair value when it arrived.
    served: u64,
    /// Whether a piece of it was taken.
    has_started: bool,
    pieces: VecDeque<Piece<W>>,
}

impl<C: Clone, W> Schedule<C, W> {
    pub(super) fn new() -> Self {
        Self { waiting: Vec::new(), fair: 0, next_id: 0 }
    }

    /// Adds a call with all its pieces, in the order to be done.
    pub(super) fn add(
        &mut self,
        call: C,
        deadline: Option<Instant>,
        pieces: Vec<Piece<W>>,
    ) -> CallId {
        let id = CallId(self.next_id);
        self.next_id += 1;
        if !pieces.is_empty() {
            let pieces = VecDeque::from(pieces);
            let (served, has_started) = (self.fair, false);
            self.waiting.push(Waiting { id, call, deadline, served, has_started, pieces });
        }
        id
    }

    /// Takes the next piece to be done. Cost: linear in the waiting calls.
    pub(super) fn next(&mut self) -> Option<(CallId, C, W)> {
        let next = (0..self.waiting.len()).min_by_key(|i| self.rank(&self.waiting[*i]))?;
        let calls = self.waiting.len() as u64;
        let waiting = &mut self.waiting[next];
        let piece = waiting.pieces.pop_front()?;
        waiting.has_started = true;
        waiting.served += piece.cost * FRACTION;
        self.fair += piece.cost * FRACTION / calls;
        let (id, call) = (waiting.id, waiting.call.clone());
        if waiting.pieces.is_empty() {
            self.withdraw(id);
        }
        Some((id, call, piece.work))
    }

    /// Removes what is left of a call, and returns the number of pieces.
    pub(super) fn withdraw(&mut self, id: CallId) -> usize {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) else { return 0 };
        let pieces = self.waiting.swap_remove(at).pieces.len();
        if self.waiting.is_empty() {
            self.fair = 0;
        }
        pieces
    }

    /// How many calls have pieces left.
    #[cfg(test)]
    pub(super) fn calls(&self) -> usize {
        self.waiting.len()
    }

    /// The lowest is next.
    fn rank(&self, waiting: &Waiting<C, W>) -> impl Ord + use<C, W> {
        let behind = self.fair.saturating_sub(waiting.served);
        let (class, within) = if behind > MOST_BEHIND * FRACTION {
            (0, u64::MAX - behind)
        } else if waiting.served <= self.fair {
            (1, u64::from(waiting.has_started))
        } else {
            // Briefly, no call is eligible after one that was behind has left.
            (2, waiting.served)
        };
        let deadline = (waiting.deadline.is_none(), waiting.deadline);
        (class, within, deadline, waiting.served, waiting.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;

    fn pieces(count: usize, cost: u64) -> Vec<Piece<usize>> {
        (0..count).map(|work| Piece { cost, work }).collect()
    }

    /// A point in time this many seconds after the first one.
    fn after(seconds: u64) -> Instant {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *START.get_or_init(Instant::now) + Duration::from_secs(seconds)
    }

    /// Whose pieces come next.
    fn turns(schedule: &mut Schedule<&'static str, usize>, count: usize) -> Vec<&'static str> {
        (0..count).map_while(|_| schedule.next().map(|(_, call, _)| call)).collect()
    }

    #[test]
    fn a_call_alone_keeps_its_order() {
        let mut schedule = Schedule::new();
        schedule.add("a", None, pieces(5, 100));
        let order: Vec<usize> = std::iter::from_fn(|| schedule.next().map(|next| next.2)).collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn calls_take_turns_by_deadline() {
        let mut schedule = Schedule::new();
        schedule.add("long", None, pieces(1000, 100));
        assert_eq!(turns(&mut schedule, 100).len(), 100);
        schedule.add("late", Some(after(20)), pieces(10, 100));
        schedule.add("early", Some(after(10)), pieces(10, 100));
        // Service that the long call received before the others arrived is not held against it.
        assert_eq!(turns(&mut schedule, 6), ["early", "late", "long", "early", "late", "long"],);
    }

    #[test]
    fn expensive_pieces_come_less_often() {
        let mut schedule = Schedule::new();
        schedule.add("dear", None, pieces(100, 900));
        schedule.add("cheap", None, pieces(100, 100));
        let turns = turns(&mut schedule, 50);
        assert_eq!(turns.iter().filter(|call| **call == "dear").count(), 5);
    }

    #[test]
    fn eight_calls_with_a_deadline_beside_a_long_one_are_all_served_soon() {
        let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
        let mut schedule = Schedule::new();
        schedule.add("long", None, pieces(1000, 500));
        turns(&mut schedule, 10);
        for (name, seconds) in names.into_iter().zip(1..) {
            schedule.add(name, Some(after(seconds)), pieces(100, 500));
        }
        let mut first = turns(&mut schedule, 9);
        assert_eq!(first[..8], names);
        first.extend(turns(&mut schedule, 81));
        let mut served: HashMap<&str, usize> = HashMap::new();
        first.into_iter().for_each(|call| *served.entry(call).or_default() += 1);
        assert!(served.values().all(|turns| *turns == 10), "{served:?}");
    }

    #[test]
    fn a_stream_of_calls_with_deadlines_does_not_starve_one_without() {
        let mut schedule = Schedule::new();
        schedule.add("long", None, pieces(1000, 100));
        let mut long = 0;
        for round in 0..1000 {
            // A client that asks again as soon as it is answered.
            if schedule.calls() < 2 {
                schedule.add("short", Some(after(round)), pieces(1, 100));
            }
            long += usize::from(schedule.next().unwrap().1 == "long");
        }
        // Half, minus what it may fall behind by.
        assert!((400..=500).contains(&long), "{long}");
    }

    #[test]
    fn a_call_that_is_withdrawn_is_not_served() {
        let mut schedule = Schedule::new();
        let a = schedule.add("a", None, pieces(3, 1));
        schedule.add("b", None, pieces(3, 1));
        turns(&mut schedule, 1);
        assert_eq!(schedule.withdraw(a), 2);
        assert_eq!(schedule.withdraw(a), 0);
        assert_eq!(turns(&mut schedule, 10), ["b", "b", "b"]);
        assert!(schedule.next().is_none());
    }
}
