use proptest::prelude::*;

use secrecy::ExposeSecret;

use super::*;

fn keys(current: &str, ids: &[(&str, u8)]) -> DataKeys {
    let keys = ids
        .iter()
        .map(|&(id, byte)| (id.to_owned(), [byte; 32]))
        .collect();
    DataKeys::new(current.to_owned(), &keys).unwrap()
}

fn open(keys: &DataKeys, sealed: &str, aad: &str) -> Result<String, CryptoError> {
    keys.open(sealed, aad)
        .map(|plain| plain.expose_secret().to_owned())
}

proptest! {
    #[test]
    fn what_was_sealed_opens_in_its_place_only(
        text in any::<String>(),
        aad in any::<String>(),
        other_aad in any::<String>(),
    ) {
        let ours = keys("a", &[("a", 1)]);
        let sealed = ours.seal(&text, &aad);
        prop_assert_eq!(open(&ours, &sealed, &aad), Ok(text));
        if aad != other_aad {
            prop_assert_eq!(open(&ours, &sealed, &other_aad), Err(CryptoError::NotAuthentic));
        }
        let other_key = keys("a", &[("a", 2)]);
        prop_assert_eq!(open(&other_key, &sealed, &aad), Err(CryptoError::NotAuthentic));
        let key_gone = keys("b", &[("b", 1)]);
        prop_assert_eq!(open(&key_gone, &sealed, &aad), Err(CryptoError::UnknownKey));
    }

    #[test]
    fn no_part_of_a_sealed_text_opens(text in ".{0,40}") {
        let ours = keys("a", &[("a", 1)]);
        let sealed = ours.seal(&text, "row");
        for end in 0..sealed.len() {
            prop_assert!(ours.open(&sealed[..end], "row").is_err(), "{end} of {}", sealed.len());
        }
    }

    #[test]
    fn no_bit_can_be_flipped(text in ".{0,40}", at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let ours = keys("a", &[("a", 1)]);
        let sealed = ours.seal(&text, "row");
        let (head, data) = sealed.rsplit_once('.').unwrap();
        let mut data = URL_SAFE_NO_PAD.decode(data).unwrap();
        let at = at.index(data.len());
        data[at] ^= 1_u8 << bit;
        let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(data));
        prop_assert_eq!(open(&ours, &changed, "row"), Err(CryptoError::NotAuthentic));
    }

    #[test]
    fn any_text_at_all_is_an_error_and_no_panic(text in any::<String>()) {
        prop_assert!(keys("a", &[("a", 1)]).open(&text, "row").is_err());
    }
}

#[test]
fn old_keys_still_open() {
    let before = keys("old", &[("old", 1)]);
    let after = keys("new", &[("old", 1), ("new", 2)]);
    let sealed = before.seal("token", "row");
    assert_eq!(open(&after, &sealed, "row").as_deref(), Ok("token"));
    assert!(after.seal("token", "row").starts_with("v1.new."));
}

#[test]
fn the_same_text_is_never_sealed_alike() {
    let ours = keys("a", &[("a", 1)]);
    assert_ne!(ours.seal("token", "row"), ours.seal("token", "row"));
}

#[test]
fn malformed_texts_are_told_from_forged_ones() {
    let ours = keys("a", &[("a", 1)]);
    let check =
        |sealed: &str, expect| assert_eq!(open(&ours, sealed, "row"), Err(expect), "{sealed:?}");
    check("", CryptoError::Malformed);
    check("v1.a.", CryptoError::Malformed);
    check("v1.a.AAAA", CryptoError::Malformed);
    check("v1.a.!!!!", CryptoError::Malformed);
    check(
        "v2.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        CryptoError::Malformed,
    );
    check(
        "v1.b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        CryptoError::UnknownKey,
    );
    check(
        "v1.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        CryptoError::NotAuthentic,
    );
    check(
        "v1.a.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.x",
        CryptoError::Malformed,
    );
}

#[test]
fn keys_do_not_print() {
    let printed = format!("{:?}", keys("a", &[("a", 0x41)]));
    assert_eq!(printed, r#"DataKeys { current: "a", .. }"#);
}

#[test]
fn a_header_matches_only_its_secret() {
    // AC 42, AC 43
    let check = |header: Option<&str>, secret: &str, expect: bool| {
        assert_eq!(
            bearer_matches(header, secret),
            expect,
            "{header:?} {secret:?}"
        );
    };
    check(Some("Bearer s3cret"), "s3cret", true);
    check(Some("bearer s3cret"), "s3cret", false);
    check(Some("Bearer  s3cret"), "s3cret", false);
    check(Some("Bearer s3cre"), "s3cret", false);
    check(Some("Bearer s3crets"), "s3cret", false);
    check(Some("s3cret"), "s3cret", false);
    check(Some("Basic s3cret"), "s3cret", false);
    check(Some("Basic s3cret"), "Basic s3cret", true);
    check(Some("Bearer s3cret"), "Bearer s3cret", true);
    check(Some("Bearer Basic s3cret"), "Basic s3cret", true);
    check(Some("s3cret"), "Basic s3cret", false);
    check(None, "s3cret", false);
    check(Some(""), "s3cret", false);
    check(None, "", false);
    check(Some(""), "", false);
    check(Some("Bearer "), "", false);
    check(Some("Bearer"), "", false);
    check(Some("anything"), "", false);
    check(Some(" "), " ", false);
    check(Some("Bearer  "), " ", false);
    check(Some("Bearer "), "Bearer ", false);
}

#[test]
fn ids_and_tokens_have_their_lengths_and_differ() {
    assert_eq!(random_id().len(), 32);
    assert_ne!(random_id(), random_id());
    assert_eq!(random_token(24).len(), 32);
    assert_ne!(random_token(24), random_token(24));
}

#[test]
fn sha256_is_the_well_known_one() {
    assert_eq!(
        sha256_hex("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn keys_without_a_current_one_or_with_odd_ids_are_refused() {
    let check = |current: &str, id: &str, usable: bool| {
        let keys = [(id.to_owned(), [7; 32])].into();
        let usable_is = DataKeys::new(current.to_owned(), &keys).is_ok();
        assert_eq!(usable_is, usable, "{current} {id}");
    };
    check("k1", "k1", true);
    check("1", "1", true);
    check("k2", "k1", false);
    check("k.1", "k.1", false);
    check("", "", false);
}

/// It fails silently otherwise: every cold start is 30 ms longer, and nothing says why.
#[test]
fn the_build_leaves_the_jitter_entropy_out() {
    assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
}
