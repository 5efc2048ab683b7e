use jiff::civil::date;

use super::*;
use crate::domain::chat_id::Alias;
use crate::domain::content::CallEvent;
use crate::domain::event::{Author, IdKind};
use crate::domain::message::Origin;

const HOUR_MS: i64 = 3_600_000;

/// Monday, 5 January 2026, 09:00 in London.
const MONDAY_9: i64 = 1_767_603_600_000;

fn reply() -> AutoReply {
    AutoReply {
        on: true,
        text: " We are back at nine. ".into(),
        ..AutoReply::default()
    }
}

fn says(content: Content) -> NewMessage {
    NewMessage {
        kind: IdKind::Message,
        remote_id: "A".into(),
        direction: Direction::In,
        origin: Origin::Whatsapp,
        api_echo: false,
        chat: Alias::from_phone_digits("79001234567"),
        chat_name: None,
        phone: None,
        author: Author::default(),
        at_s: None,
        content,
        quoted: None,
    }
}

fn text() -> NewMessage {
    says(Content::Text { text: "hi".into() })
}

// AC 137: once within the interval, not in groups, not on reactions, calls, edits or old messages.
#[test]
fn a_person_who_writes_is_answered_once_in_a_while() {
    let check = |message: &NewMessage, last_ms: Option<i64>, expect: Result<&str, Silent>| {
        let reply = reply();
        let got = reply.answer(message, last_ms, MONDAY_9);
        assert_eq!(got, expect, "{message:?} after {last_ms:?}");
    };
    let answered = Ok("We are back at nine.");
    check(&text(), None, answered);
    check(&text(), Some(MONDAY_9), Err(Silent::Lately));
    let day_ms = 24 * HOUR_MS;
    check(&text(), Some(MONDAY_9 - day_ms + 1), Err(Silent::Lately));
    check(&text(), Some(MONDAY_9 - day_ms), answered);

    let chat = |alias: &str| NewMessage {
        chat: Alias::parse(alias).expect("an id"),
        ..text()
    };
    check(&chat("123456789012345@lid"), None, answered);
    check(
        &chat("120363000000000001@g.us"),
        None,
        Err(Silent::NotAPerson),
    );

    let at = |at_s: i64| NewMessage {
        at_s: Some(at_s),
        ..text()
    };
    check(&at(MONDAY_9 / 1000), None, answered);
    check(&at(MONDAY_9 / 1000 - 3600), None, answered);
    check(&at(MONDAY_9 / 1000 - 3601), None, Err(Silent::Old));
    check(&at(i64::MIN), None, Err(Silent::Old));
    // A phone whose clock is ahead.
    check(&at(i64::MAX), None, answered);

    let target = || Some("B".to_owned());
    let said_nothing = [
        Content::Reaction {
            emoji: Some("👍".into()),
            target: target(),
        },
        Content::Edited {
            text: "hello".into(),
            target: target(),
        },
        Content::Deleted { target: target() },
        Content::PollVotes {
            name: "Lunch?".into(),
            votes: Vec::new(),
            target: target(),
        },
        Content::Call {
            event: CallEvent::Offer,
            video: false,
        },
        Content::Unknown {
            type_name: "newMessage".into(),
        },
    ];
    for content in said_nothing {
        check(&says(content), None, Err(Silent::NotAMessage));
    }
    let own = NewMessage {
        direction: Direction::Out,
        ..text()
    };
    check(&own, None, Err(Silent::NotAMessage));
    let off = AutoReply {
        on: false,
        ..reply()
    };
    assert_eq!(off.answer(&text(), None, MONDAY_9), Err(Silent::Off));
}

fn hours(zone: &str, replies: Replies) -> AutoReply {
    let opening = |day: u8, from_h: u16, to_h: u16| Opening {
        day,
        from_min: from_h * 60,
        to_min: to_h * 60,
    };
    let week = (0..5).flat_map(|day| [opening(day, 9, 13), opening(day, 14, 18)]);
    AutoReply {
        hours: Some(Hours {
            zone: zone.into(),
            week: week.collect(),
            holidays: [date(2026, 1, 6)].into(),
            replies,
        }),
        ..reply()
    }
}

#[test]
fn business_hours_are_those_of_the_business() {
    let check = |zone: &str, at_ms: i64, is_open: bool| {
        let closed = hours(zone, Replies::WhileClosed);
        let open = hours(zone, Replies::WhileOpen);
        let answers = |it: &AutoReply| it.answer(&text(), None, at_ms).is_ok();
        assert_eq!(
            (answers(&closed), answers(&open)),
            (!is_open, is_open),
            "{zone} at {at_ms}"
        );
    };
    check("Europe/London", MONDAY_9, true);
    check("Europe/London", MONDAY_9 - 1, false);
    check("Europe/London", MONDAY_9 + 4 * HOUR_MS, false);
    check("Europe/London", MONDAY_9 + 5 * HOUR_MS, true);
    check("Europe/London", MONDAY_9 + 9 * HOUR_MS, false);
    // Noon in Moscow, night in Los Angeles, Monday's evening in Auckland.
    check("Europe/Moscow", MONDAY_9, true);
    check("America/Los_Angeles", MONDAY_9, false);
    check("Pacific/Auckland", MONDAY_9, false);
    // A holiday, and the day after.
    check("Europe/London", MONDAY_9 + 24 * HOUR_MS, false);
    check("Europe/London", MONDAY_9 + 48 * HOUR_MS, true);
    // Saturday.
    check("Europe/London", MONDAY_9 + 5 * 24 * HOUR_MS, false);
    // The clocks go forward on 29 March: nine o'clock comes an hour earlier.
    let day = |n: i64| MONDAY_9 + n * 24 * HOUR_MS;
    check("Europe/London", day(84) - HOUR_MS, true);
    check("Europe/London", day(77) - HOUR_MS, false);
}

// AC 110: on needs something to say.
#[test]
fn settings_that_cannot_be_are_told_apart() {
    let check = |change: &dyn Fn(&mut AutoReply), expect: Result<(), BadAutoReply>| {
        let mut settings = hours("Europe/London", Replies::WhileClosed);
        change(&mut settings);
        assert_eq!(settings.check(), expect, "{settings:?}");
    };
    check(&|_| (), Ok(()));
    check(&|it| it.text = " \n".into(), Err(BadAutoReply::NoText));
    check(
        &|it| {
            it.on = false;
            it.text.clear();
        },
        Ok(()),
    );
    check(
        &|it| it.text = "я".repeat(MOST_CHARS + 1),
        Err(BadAutoReply::LongText),
    );
    check(&|it| it.every_h = 0, Err(BadAutoReply::Every));
    check(
        &|it| it.every_h = MOST_EVERY_H + 1,
        Err(BadAutoReply::Every),
    );
    let zone = |it: &mut AutoReply, zone: &str| {
        it.hours.as_mut().expect("hours").zone = zone.to_owned();
    };
    check(&|it| zone(it, "Mars/Olympus"), Err(BadAutoReply::Zone));
    check(&|it| zone(it, "../etc/passwd"), Err(BadAutoReply::Zone));
    check(&|it| zone(it, "America/Argentina/Salta"), Ok(()));
    let opening = |it: &mut AutoReply, opening: Opening| {
        it.hours.as_mut().expect("hours").week = vec![opening];
    };
    let is = |day, from_min, to_min| Opening {
        day,
        from_min,
        to_min,
    };
    check(&|it| opening(it, is(6, 0, DAY_MIN)), Ok(()));
    check(&|it| opening(it, is(7, 0, 60)), Err(BadAutoReply::Opening));
    check(&|it| opening(it, is(0, 60, 60)), Err(BadAutoReply::Opening));
    check(
        &|it| opening(it, is(0, 60, DAY_MIN + 1)),
        Err(BadAutoReply::Opening),
    );
}
