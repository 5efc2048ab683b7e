//! The arithmetic of a shared departure schedule (the generic cell rate algorithm).
//!
//! The whole state is one time, the *theoretical arrival time*: when the next call would be due if
//! all calls came evenly. Because it is one number, one conditional write moves it for everybody.

/// A rate: one call each `period_us`, of which `burst` may go at once after a rest.
///
/// In any window of length W, both ends counted, never more than `burst + W / period_us` calls
/// depart, whoever reserved them and however late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    /// Microseconds from one call to the next; less than 1 counts as 1.
    pub period_us: i64,
    /// How many calls may depart together; 0 counts as 1.
    pub burst: u32,
}

/// When reserved calls may depart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// When the first one departs, microseconds since 1970; never before it was asked for.
    pub first_us: i64,
    /// From one to the next, once the burst is gone.
    pub period_us: i64,
    /// The state to keep.
    pub new_tat_us: i64,
    asked_us: i64,
    line_us: i64,
}

impl Reservation {
    /// When the call with this place, from 0, departs, microseconds since 1970.
    pub fn departure_us(&self, place: u32) -> i64 {
        self.asked_us
            .max(self.line_us + i64::from(place) * self.period_us)
    }
}

impl Gcra {
    /// Reserves `n` calls, given the state that was kept (0 for none).
    pub fn reserve(&self, tat_us: i64, now_us: i64, n: u32) -> Reservation {
        let period_us = self.period_us.max(1);
        let tat_us = tat_us.max(now_us);
        let line_us = tat_us - self.tolerance_us();
        Reservation {
            first_us: now_us.max(line_us),
            period_us,
            new_tat_us: tat_us + i64::from(n) * period_us,
            asked_us: now_us,
            line_us,
        }
    }

    /// The state after a refusal: nothing that is reserved from now on departs within `penalty_us`,
    /// and there is no burst then. A second refusal within the penalty adds nothing, since workers
    /// are refused together.
    pub fn push(&self, tat_us: i64, now_us: i64, penalty_us: i64) -> i64 {
        tat_us.max(now_us + penalty_us + self.tolerance_us())
    }

    /// How far ahead of the even schedule a call may depart.
    fn tolerance_us(&self) -> i64 {
        i64::from(self.burst.max(1) - 1) * self.period_us.max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn departures(gcra: Gcra, tat_us: i64, now_us: i64, n: u32) -> (Vec<i64>, i64) {
        let reserved = gcra.reserve(tat_us, now_us, n);
        assert_eq!(reserved.first_us, reserved.departure_us(0));
        (
            (0..n).map(|place| reserved.departure_us(place)).collect(),
            reserved.new_tat_us,
        )
    }

    #[test]
    fn a_burst_departs_at_once_and_the_rest_is_spaced() {
        let check = |burst: u32, tat_us: i64, n: u32, expect: &[i64]| {
            let gcra = Gcra {
                period_us: 10,
                burst,
            };
            let (departures, _) = departures(gcra, tat_us, 1000, n);
            assert_eq!(departures, expect, "burst {burst}, tat {tat_us}");
        };
        check(1, 0, 3, &[1000, 1010, 1020]);
        check(0, 0, 3, &[1000, 1010, 1020]);
        check(3, 0, 5, &[1000, 1000, 1000, 1010, 1020]);
        check(3, 1010, 4, &[1000, 1000, 1010, 1020]);
        check(3, 1030, 2, &[1010, 1020]);
        check(1, 1500, 2, &[1500, 1510]);
        check(1, 1000, 0, &[]);
    }

    #[test]
    fn a_penalty_holds_everybody_and_does_not_add_up() {
        let gcra = Gcra {
            period_us: 10,
            burst: 3,
        };
        let pushed = gcra.push(0, 1000, 500);
        assert_eq!(departures(gcra, pushed, 1001, 3).0, [1500, 1510, 1520]);
        assert_eq!(gcra.push(pushed, 1000, 500), pushed);
        assert_eq!(
            gcra.push(9000, 1000, 500),
            9000,
            "a schedule beyond it stays"
        );
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_rate(
            period_us in 1_i64..1000,
            burst in 0_u32..20,
            // Workers' clocks differ, so time may seem to go back.
            steps in proptest::collection::vec((-500_i64..3000, 0_u32..8, prop::bool::weighted(0.1)), 1..40),
        ) {
            let gcra = Gcra { period_us, burst };
            let (mut now_us, mut tat_us, mut all) = (1_000_000, 0, Vec::new());
            for (passed_us, n, refused) in steps {
                now_us += passed_us;
                if refused {
                    tat_us = gcra.push(tat_us, now_us, 100);
                }
                let (new, new_tat_us) = departures(gcra, tat_us, now_us, n);
                all.extend(new);
                tat_us = new_tat_us;
            }
            all.sort_unstable();
            for (first, from) in all.iter().enumerate() {
                for (last, to) in all.iter().enumerate().skip(first) {
                    let n_departed = (last - first + 1) as i64;
                    let allowed = i64::from(burst.max(1)) + (to - from) / period_us;
                    prop_assert!(n_departed <= allowed, "{n_departed} of {allowed} in {from}..={to}");
                }
            }
        }

        #[test]
        fn no_call_waits_without_need(
            period_us in 1_i64..1000,
            burst in 1_u32..20,
            n in 1_u32..60,
        ) {
            let gcra = Gcra { period_us, burst };
            let (departures, _) = departures(gcra, 0, 1_000_000, n);
            for (place, at_us) in departures.into_iter().enumerate() {
                let spaced = (place as i64 + 1 - i64::from(burst)).max(0);
                prop_assert_eq!(at_us, 1_000_000 + spaced * period_us);
            }
        }
    }
}
