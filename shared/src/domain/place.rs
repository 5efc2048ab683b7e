//! The places of messages in their conversation.
//!
//! A live message has the conversation's next number. One that is imported from before the number
//! was added belongs below all of them and among its like by time, and others are added before and
//! after it later. So its place says when it was written: a mark, 32 bits of seconds since 1970, and
//! 20 bits that tell apart what was written in the same second. It stays an integer that every
//! language's numbers hold (below 2⁵³), so that whatever refers to a message by its place can refer
//! to an imported one as well.

/// What sets the places of imported messages apart: more messages than a conversation can have.
const IMPORTED: u64 = 1 << 52;

/// How many bits tell apart what was written in the same second.
const TIE_BITS: u32 = 20;

/// The place of an imported message that was written at `at_s`, seconds since 1970. `tie` is of the
/// message's id; only its lower 20 bits count.
pub fn imported(at_s: i64, tie: u32) -> u64 {
    let at_s = u64::try_from(at_s).unwrap_or(0).min(u64::from(u32::MAX));
    IMPORTED | (at_s << TIE_BITS) | (u64::from(tie) % (1 << TIE_BITS))
}

/// The next place in the same second, for a message whose place is another's; after the last one the
/// first.
pub fn beside(seq: u64) -> u64 {
    let ties = (1 << TIE_BITS) - 1;
    (seq & !ties) | ((seq + 1) & ties)
}

/// Whether the message at this place was imported.
pub fn is_imported(seq: u64) -> bool {
    seq >= IMPORTED
}

/// When the imported message at this place was written, seconds since 1970.
pub fn written_s(seq: u64) -> i64 {
    ((seq & (IMPORTED - 1)) >> TIE_BITS) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_keeps_its_second_and_fits_into_every_number(
            at_s in 0..i64::from(u32::MAX), tie: u32, later in 1..1000_i64,
        ) {
            let place = imported(at_s, tie);
            prop_assert!(is_imported(place) && place < 1 << 53);
            prop_assert_eq!(written_s(place), at_s);
            let next = beside(place);
            prop_assert!(next != place && written_s(next) == at_s && is_imported(next));
            if at_s + later < i64::from(u32::MAX) {
                prop_assert!(place < imported(at_s + later, 0));
            }
        }
    }

    #[test]
    fn what_has_no_time_of_its_own_is_the_first_or_the_last() {
        let check = |at_s: i64, expect: i64| assert_eq!(written_s(imported(at_s, 0)), expect);
        check(-1, 0);
        check(i64::MIN, 0);
        check(i64::MAX, i64::from(u32::MAX));
        assert!(!is_imported(1) && !is_imported(IMPORTED - 1));
    }
}
