//! Stories over the deployed stack: the real Lambda binaries, the real template, the emulator, and
//! the sandbox's providers. One stack for all of them, started once.

#![expect(unreachable_pub, reason = "the modules of one test")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may break, and says so"
)]

mod corpus;
mod events;
mod hostile;
mod installs;
mod messages;
mod world;

use std::time::Instant;

use greenhub_local::{Options, Stack};
use world::World;

/// Runs the stories one after the other and says which of them broke.
macro_rules! tell {
    ($world:expr, $($story:path),+ $(,)?) => {{
        let mut broken = Vec::new();
        $(
            let started = now();
            match $story(&$world).await {
                Ok(()) => println!("story {} ok in {:.1?}", stringify!($story), started.elapsed()),
                Err(why) => {
                    println!("story {} broke: {why}", stringify!($story));
                    broken.push(stringify!($story));
                }
            }
        )+
        broken
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deployed_stack_keeps_its_promises() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::start(Options::for_tests(dir.path())).await.unwrap();
    let world = World::new(stack);
    let broken = tell!(
        world,
        messages::a_text_goes_both_ways_and_its_status_follows,
        messages::a_lost_answer_sends_nothing_twice,
        messages::the_crm_being_down_delays_and_loses_nothing,
        messages::an_image_comes_with_its_caption,
        messages::what_is_typed_on_the_phone_is_in_the_crm_once,
        hostile::strangers_get_nothing,
        hostile::an_authenticated_oddity_blocks_nothing,
        events::every_function_takes_its_sample_event,
        corpus::every_published_body_is_taken_and_shown_or_not_on_purpose,
        installs::an_agency_gets_the_app_in_all_its_locations,
        installs::a_location_removes_the_app_and_takes_it_back,
        messages::nothing_is_left_over,
    );
    world.stop().await;
    assert!(broken.is_empty(), "{broken:?}");
}

#[expect(clippy::disallowed_methods, reason = "a test's own stop-watch")]
fn now() -> Instant {
    Instant::now()
}
