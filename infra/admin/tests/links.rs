//! Links for first owners, over tables in memory.

use greenhub::account::browser::Browser;
use greenhub::account::setup::{self, SetupError, Told};
use greenhub::clock::Clock;
use greenhub::domain::ids::LocationId;
use greenhub::pipeline::ids::IdSource;
use greenhub::store::memory::MemoryDb;
use greenhub_admin::{Error, Whose, setup_link};

#[tokio::test]
async fn the_deployer_makes_a_link_until_somebody_has_used_one() {
    // AC 109
    let (db, clock, ids) = (MemoryDb::new(), Clock::system(), IdSource::random());
    let new = Whose::New("Shop".to_owned());
    let (workspace, _) = setup_link(&db, &clock, &new).await.unwrap();
    let same = Whose::Workspace(workspace.clone());
    let (again, offer) = setup_link(&db, &clock, &same).await.unwrap();
    assert_eq!(again, workspace);
    let told = Told {
        login: Some("olga".to_owned()),
        name: Some("Olga".to_owned()),
        password: "correct horse battery".to_owned().into(),
    };
    let browser = Browser::default();
    let done = setup::complete(&db, &clock, &ids, &offer.token, &told, &browser)
        .await
        .unwrap();
    assert_eq!(done.person.workspace, workspace);
    assert!(done.person.is_acting_owner());
    let refused = setup_link(&db, &clock, &same).await;
    assert!(
        matches!(refused, Err(Error::Setup(SetupError::HasOwner))),
        "{refused:?}"
    );
    let nowhere = Whose::Location(LocationId::new("L"));
    let refused = setup_link(&db, &clock, &nowhere).await;
    assert!(matches!(refused, Err(Error::NoLocation(_))), "{refused:?}");
}
