use super::*;

fn dump(locations: Vec<OldLocation>, instances: Vec<OldInstance>) -> Plan {
    let dump = Dump {
        locations,
        instances,
    };
    plan(dump, &Green::default())
}

fn location_of(id: &str) -> OldLocation {
    OldLocation {
        id: Some(id.into()),
        company: None,
        access: Some("access".into()),
        refresh: Some("refresh".into()),
        expires: Some("2026-01-31T18:00:00.250000Z".into()),
    }
}

fn instance_of(id: &str, location: &str) -> OldInstance {
    OldInstance {
        id_instance: Some(id.into()),
        token: Some("t0ken".into()),
        state: Some("authorized".into()),
        location: Some(location.into()),
        settings: Some(r#"{"wid":"79001234567@c.us","webhookUrlToken":"0123456789abcdef"}"#.into()),
        name: Some("Shop".into()),
    }
}

#[test]
fn a_location_has_tokens_or_needs_them() {
    let check = |change: fn(&mut OldLocation), expect: Option<(&str, &str, Millis)>| {
        let mut old = location_of("L1");
        change(&mut old);
        let plan = dump(vec![old], vec![instance_of("1", "L1")]);
        let tokens = plan.locations[0].tokens.as_ref();
        let got = tokens.map(|it| {
            let (access, refresh) = (it.access.expose_secret(), it.refresh.expose_secret());
            (access, refresh, it.expires_ms)
        });
        assert_eq!(got, expect);
    };
    check(|_| {}, Some(("access", "refresh", 1_769_882_400_250)));
    // A time that nobody can read has passed.
    check(|old| old.expires = None, Some(("access", "refresh", 0)));
    check(
        |old| old.expires = Some("soon".into()),
        Some(("access", "refresh", 0)),
    );
    // The next pair is made when it is needed.
    check(|old| old.access = None, Some(("", "refresh", 0)));
    check(|old| old.access = Some("".into()), Some(("", "refresh", 0)));
    check(|old| old.refresh = None, None);
    check(|old| old.refresh = Some(" ".into()), None);
}

#[test]
fn what_nothing_can_be_made_of_is_named() {
    let skipped = |plan: Plan| -> Vec<(String, Why)> {
        plan.skipped
            .into_iter()
            .map(|it| (it.row, it.why))
            .collect()
    };
    let check = |locations: Vec<OldLocation>, instances: Vec<OldInstance>, row: &str, why: Why| {
        let got = skipped(dump(locations, instances));
        assert_eq!(got, [(row.to_owned(), why)]);
    };
    let empty = || OldLocation {
        id: Some("L9".into()),
        ..OldLocation::default()
    };
    check(vec![empty()], vec![], "location L9", Why::EmptyLocation);
    let nameless = || OldLocation::default();
    check(
        vec![nameless()],
        vec![],
        "location without an id",
        Why::LocationId,
    );
    let strange = || location_of("L1#INSTALL\u{1b}[2J");
    check(
        vec![strange()],
        vec![],
        "location L1INSTALL2J",
        Why::LocationId,
    );

    let check = |change: fn(&mut OldInstance), row: &str, why: Why| {
        let mut old = instance_of("1101000001", "L1");
        change(&mut old);
        let plan = dump(vec![location_of("L1")], vec![old]);
        assert_eq!(skipped(plan), [(row.to_owned(), why)]);
    };
    let row = "instance 1101000001";
    check(|old| old.location = None, row, Why::Orphan);
    check(|old| old.location = Some("L2".into()), row, Why::Orphan);
    check(|old| old.token = None, row, Why::ApiToken);
    check(|old| old.token = Some("a/../b".into()), row, Why::ApiToken);
    let none = "instance without an id";
    check(|old| old.id_instance = None, none, Why::IdInstance);
    check(
        |old| old.id_instance = Some("0".into()),
        "instance 0",
        Why::IdInstance,
    );
    check(
        |old| old.id_instance = Some("-5".into()),
        "instance -5",
        Why::IdInstance,
    );
    check(
        |old| old.id_instance = Some("12ab".into()),
        "instance 12ab",
        Why::IdInstance,
    );
}

#[test]
fn of_two_rows_with_one_instance_the_older_one_counts() {
    let instances = vec![
        instance_of("1", "L1"),
        instance_of("2", "L2"),
        instance_of("1", "L2"),
    ];
    let plan = dump(vec![location_of("L2"), location_of("L1")], instances);
    let homes: Vec<_> = plan
        .locations
        .iter()
        .map(|it| {
            (
                it.id.as_str(),
                it.numbers[0].new.id_instance.0,
                it.numbers[0].rank,
            )
        })
        .collect();
    assert_eq!(homes, [("L1", 1, 0), ("L2", 2, 1)]);
    assert_eq!(plan.skipped[0].why, Why::Duplicate);
    assert_eq!((plan.skipped.len(), plan.n_numbers()), (1, 2));
}

#[test]
fn a_numbers_settings_are_read_as_far_as_they_can_be() {
    let check = |settings: Option<&str>, expect: (Option<&str>, Option<&str>, u32, &[Note])| {
        let mut old = instance_of("1", "L1");
        old.settings = settings.map(SecretString::from);
        let mut plan = dump(vec![location_of("L1")], vec![old]);
        let number = plan.locations[0].numbers.remove(0);
        let hook_token = number.hook_token.as_ref().map(|it| it.expose_secret());
        let got = (
            hook_token,
            number.wid.as_deref(),
            number.delay_ms,
            &*number.notes,
        );
        assert_eq!(got, expect, "{settings:?}");
    };
    let token = Some("0123456789abcdef0123456789abcdef");
    let json = r#"{"webhookUrlToken":"0123456789abcdef0123456789abcdef","wid":"7900@c.us",
                   "delaySendMessagesMilliseconds":3000}"#;
    check(Some(json), (token, Some("7900@c.us"), 3000, &[]));
    // JSON in a JSON text.
    let twice = Value::from(json).to_string();
    check(Some(&twice), (token, Some("7900@c.us"), 3000, &[]));
    let lost = &[Note::NoHookToken][..];
    check(Some("{}"), (None, None, 500, lost));
    check(None, (None, None, 500, lost));
    let odd = r#"{"webhookUrlToken":7,"wid":"","delaySendMessagesMilliseconds":"1000"}"#;
    check(Some(odd), (None, None, 1000, lost));
    // Whoever knows the id could guess these.
    check(
        Some(r#"{"webhookUrlToken":"short"}"#),
        (None, None, 500, lost),
    );
    let spaced = r#"{"webhookUrlToken":"0123456789 abcdef"}"#;
    check(Some(spaced), (None, None, 500, lost));
    let broken = &[Note::BrokenSettings][..];
    check(Some("{\"webhookUrl"), (None, None, 500, broken));
    check(Some("[]"), (None, None, 500, broken));
}

#[test]
fn a_number_keeps_its_name_and_its_state() {
    let check = |name: Option<&str>, state: Option<&str>, expect: (&str, &str, &[Note])| {
        let mut old = instance_of("1101000001", "L1");
        old.name = name.map(str::to_owned);
        old.state = state.map(str::to_owned);
        let mut plan = dump(vec![location_of("L1")], vec![old]);
        let number = plan.locations[0].numbers.remove(0);
        let got = (&*number.new.name, number.state.as_str(), &*number.notes);
        assert_eq!(got, expect);
    };
    check(
        Some(" Магазин "),
        Some("yellowCard"),
        ("Магазин", "yellowCard", &[]),
    );
    let unnamed = ("WhatsApp 1101000001", "notAuthorized", &[][..]);
    check(None, None, unnamed);
    check(Some(""), Some(""), unnamed);
    check(
        Some("a\nb"),
        Some("suspended"),
        ("ab", "suspended", &[Note::Renamed]),
    );
    let long = "я".repeat(191);
    let cut = "я".repeat(100);
    check(Some(&long), Some("new"), (&cut, "new", &[Note::Renamed]));
}
