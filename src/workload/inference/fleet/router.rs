//! Which replica takes a request.

use super::super::fleet_spec::Router;
use super::server::Server;
use crate::stats::Stream;
use crate::workload::arrivals::Request;

/// A prefix-aware router leaves the replica that holds the prefix when it has so many requests more than the least
/// loaded one, and so many times as many. Assumed; routers of this kind have both thresholds as options.
const MUCH_BUSIER: (usize, f64) = (32, 1.1);

/// A router and what it remembers.
#[derive(Clone, Debug)]
pub(super) struct Routing {
    rule: Router,
    next: usize,
    draws: Stream,
}

impl Routing {
    pub(super) fn new(rule: Router, draws: Stream) -> Self {
        Self { rule, next: 0, draws }
    }

    /// One of `open`, indices of servers, that can hold the request; `None` where none does.
    pub(super) fn choose(&mut self, request: &Request, open: &[u32], servers: &[Server]) -> Option<u32> {
        let holds = |index: &u32| servers[*index as usize].can_hold(request, request.output);
        match self.rule {
            Router::RoundRobin => self.in_turn(open, holds),
            Router::LeastOutstanding => self.least(open, servers, holds),
            Router::PowerOfChoices(choices) => {
                let drawn = (0..choices.clamp(1, 64)).map(|_| open.get(self.draws.below(open.len())));
                let drawn: Vec<u32> = drawn.flatten().copied().filter(|index| holds(index)).collect();
                let best = drawn.into_iter().min_by_key(|index| servers[*index as usize].outstanding());
                best.or_else(|| self.least(open, servers, holds))
            }
            Router::PrefixAware => {
                let least = self.least(open, servers, holds)?;
                Some(holder(request, least, open, servers).unwrap_or(least))
            }
            Router::ByLength(limit) => {
                let (short, long) = open.split_at(open.len().div_ceil(2));
                let own = if request.input <= limit || long.is_empty() { short } else { long };
                self.least(own, servers, holds).or_else(|| self.least(open, servers, holds))
            }
        }
    }

    fn in_turn(&mut self, open: &[u32], holds: impl Fn(&u32) -> bool) -> Option<u32> {
        let count = open.len();
        let place = (0..count).map(|step| (self.next + step) % count).find(|place| holds(&open[*place]))?;
        self.next = (place + 1) % count;
        Some(open[place])
    }

    /// The one with fewest requests; of several the next in turn.
    pub(super) fn least(
        &mut self,
        open: &[u32],
        servers: &[Server],
        holds: impl Fn(&u32) -> bool,
    ) -> Option<u32> {
        let count = open.len();
        let from = if count > 0 { self.next % count } else { 0 };
        let turn = open[from..].iter().chain(&open[..from]).filter(|index| holds(index));
        let best = turn.min_by_key(|index| servers[**index as usize].outstanding()).copied();
        self.next = (from + 1) % count.max(1);
        best
    }
}

/// The replica that holds most of a prefix, unless it is much busier than the least busy one.
fn holder(request: &Request, least: u32, open: &[u32], servers: &[Server]) -> Option<u32> {
    request.prefix?;
    let server = |index: u32| &servers[index as usize];
    let mut best = (0, None);
    for index in open {
        let tokens = server(*index).cached_tokens(request);
        if tokens > best.0 && server(*index).can_hold(request, request.output) {
            best = (tokens, Some(*index));
        }
    }
    let holder = best.1?;
    let (own, other) = (server(holder).outstanding(), server(least).outstanding());
    let busier = own > other + MUCH_BUSIER.0 && own as f64 > other as f64 * MUCH_BUSIER.1;
    (!busier).then_some(holder)
}
