//! A provider's limit as its clients meet it.

use std::collections::VecDeque;

use greenhub::clock::Millis;

/// Counts arrivals in every window of one second, the strictest reading of "calls a second".
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    arrivals: VecDeque<Millis>,
    /// Calls that were refused.
    pub(super) n_refused: usize,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        Window {
            limit,
            arrivals: VecDeque::new(),
            n_refused: 0,
        }
    }

    /// Whether a call that arrives now is taken. Refused calls count as well: whether they do at
    /// the provider is not told.
    pub(super) fn takes(&mut self, now_ms: Millis) -> bool {
        while self.arrivals.front().is_some_and(|at| now_ms - at > 1000) {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now_ms);
        let takes = self.arrivals.len() <= self.limit;
        if !takes {
            self.n_refused += 1;
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holds_the_limit_wherever_it_begins() {
        let check = |arrivals: &[Millis], expect_refused: usize| {
            let mut window = Window::new(2);
            for at_ms in arrivals {
                window.takes(*at_ms);
            }
            assert_eq!(window.n_refused, expect_refused, "{arrivals:?}");
        };
        check(&[0, 0], 0);
        check(&[0, 999, 1000], 1);
        check(&[0, 999, 1001], 0);
        check(&[0, 1, 2, 1001], 2);
    }
}
