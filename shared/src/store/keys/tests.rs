use super::*;

#[test]
fn imported_messages_sort_below_live_ones_and_live_ones_by_sequence() {
    let sk = |seq| message(&ChatId::new("c"), seq).sk;
    assert!(sk(9) < sk(10) && sk(999_999) < sk(1_000_000));
    let imported = |at_s, tie| sk(place::imported(at_s, tie));
    assert!(imported(999_999_999, 7) < imported(1_000_000_000, 0));
    assert!(imported(1_700_000_000, 7) < imported(1_700_000_000, 8));
    assert!(imported(i64::MAX, u32::MAX) < sk(1));
}

#[test]
fn a_due_row_is_known_by_its_key() {
    let (company, location) = (CompanyId::new("C"), LocationId::new("L"));
    let check = |key: Key, expect: Option<DueRow>| {
        assert_eq!(due_row(&key.pk, &key.sk), expect, "{key:?}");
    };
    let (workspace, number) = (WorkspaceId::new("w"), NumberId::new("n"));
    check(
        self::number(&workspace, &number),
        Some(DueRow::Number(workspace.clone(), number)),
    );
    check(
        import(&workspace, &NumberId::new("n")),
        Some(DueRow::Import(workspace.clone(), NumberId::new("n"))),
    );
    check(install(&location), Some(DueRow::Install(location.clone())));
    check(orphan(&location), Some(DueRow::Orphan(location.clone())));
    check(
        self::company(&company),
        Some(DueRow::Company(company.clone())),
    );
    check(
        member(&company, &location),
        Some(DueRow::Member(company.clone(), location)),
    );
    check(self::workspace(&workspace), None);
    check(listed_company(&company), None);
}

#[test]
fn the_list_of_agencies_goes_on_after_one_of_them() {
    let from = |after: &str| match listed_companies(Some(&CompanyId::new(after))).1 {
        Range::Text { from, .. } => from,
        Range::Number { .. } => String::new(),
    };
    let sk = |company: &str| listed_company(&CompanyId::new(company)).sk;
    assert!(sk("a") < from("a"));
    for later in ["a-", "a0", "aa", "b", "z"] {
        assert!(from("a") < sk(later), "{later}");
    }
}

#[test]
fn ids_spread_over_all_shards() {
    let shards: std::collections::BTreeSet<_> = (0..500)
        .map(|n| due_shard_of(&format!("chat-{n}")))
        .collect();
    assert_eq!(shards.len(), usize::from(DUE_SHARDS));
}
