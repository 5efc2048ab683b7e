use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::ids::ChatId;
use crate::inbox::cursor::{self, BadCursor};
use crate::inbox::messages::{Between, Way};
use crate::inbox::{list, stuck};

fn ids() -> impl Strategy<Value = ChatId> {
    "[0-9a-f]{32}".prop_map(ChatId::new)
}

proptest! {
    #[test]
    fn a_place_is_read_as_it_was_written(at_ms in 0..i64::MAX, chat in ids(), seq in 0..1_u64 << 53) {
        let at = list::At { at_ms, chat: chat.clone() };
        prop_assert_eq!(cursor::place(&cursor::text(&at)), Ok(at));
        let between = Between { way: Way::Forth, places: BTreeMap::from([(chat.clone(), seq)]) };
        prop_assert_eq!(cursor::place(&cursor::text(&between)), Ok(between));
        let at = stuck::At { sk: format!("{at_ms:016}#{chat}#{seq:016}") };
        prop_assert_eq!(cursor::place(&cursor::text(&at)), Ok(at));
    }

    #[test]
    fn whatever_is_sent_as_a_place_is_one_or_refused(text in "\\PC{0,200}", letter in "[LMS]") {
        for text in [text.clone(), format!("{letter}{text}")] {
            _ = cursor::place::<list::At>(&text);
            _ = cursor::place::<Between>(&text);
            _ = cursor::place::<stuck::At>(&text);
        }
    }

    #[test]
    fn an_altered_place_is_one_of_the_same_kind_or_refused(
        chat in ids(), at_ms in 0..i64::MAX, place in 0..80_usize, sign in "[A-Za-z0-9_-]",
    ) {
        let text = cursor::text(&list::At { at_ms, chat });
        let place = place % text.len();
        let altered = format!("{}{sign}{}", &text[..place], &text[place + 1..]);
        if let Ok(at) = cursor::place::<list::At>(&altered) {
            prop_assert!(at.at_ms >= 0 && cursor::is_id(at.chat.as_str()));
        }
    }
}

#[test]
fn a_place_of_another_list_is_refused() {
    let at = list::At {
        at_ms: 1,
        chat: ChatId::new("c"),
    };
    let text = cursor::text(&at);
    assert_eq!(cursor::place::<stuck::At>(&text), Err(BadCursor));
    assert_eq!(cursor::place::<Between>(&text), Err(BadCursor));
    let check = |json: &str| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        assert_eq!(
            cursor::place::<list::At>(&format!("L{text}")),
            Err(BadCursor),
            "{json}"
        );
    };
    check(r#"{"a":-1,"c":"c"}"#);
    check(r#"{"a":1,"c":"NUM#other"}"#);
    check(r#"{"a":1,"c":""}"#);
    check(r#"{"a":1,"c":"c","x":1}"#);
    check("[]");
}
