//! Stories over the deployed stack: the real Lambda binaries, the real template, the emulator, and
//! the sandbox's providers. One stack for all of them, started once.
//!
//! Most of them are also told of the handlers in this process, over the emulator's tables and
//! queues: there, the time can be set forward and a queue can fail.

#![expect(unreachable_pub, reason = "the modules of one test")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may break, and says so"
)]

mod clients;
mod corpus;
mod events;
mod files;
mod hostile;
mod in_process;
mod installs;
mod messages;
mod sockets;
mod workflows;
mod world;

use std::time::Instant;

use greenhub_local::{Aws, Options, Stack, unless_missing};
use in_process::InProcess;
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
    let started = Stack::start(Options::for_tests(dir.path())).await;
    let Some(stack) = unless_missing(started).unwrap() else {
        return;
    };
    let demo = stack.credentials.clone().unwrap();
    let world = World::new(stack, demo);
    let broken = tell!(
        world,
        messages::a_text_goes_both_ways_and_its_status_follows,
        messages::a_lost_answer_sends_nothing_twice,
        messages::the_crm_being_down_delays_and_loses_nothing,
        messages::an_image_comes_with_its_caption,
        files::a_file_is_fetched_by_an_address_of_ours,
        files::two_files_of_an_agent_reach_the_phone,
        messages::what_is_typed_on_the_phone_is_in_the_crm_once,
        workflows::a_workflow_sends_once_and_the_crm_shows_what_became_of_it,
        sockets::a_browser_is_told_what_happens_until_its_session_ends,
        hostile::strangers_get_nothing,
        hostile::an_authenticated_oddity_blocks_nothing,
        events::every_function_takes_its_sample_event,
        corpus::every_published_body_is_taken_and_shown_or_not_on_purpose,
        installs::an_agency_gets_the_app_in_all_its_locations,
        installs::a_location_removes_the_app_and_takes_it_back,
        clients::others_clients_agree,
        messages::nothing_is_left_over,
    );
    world.stack.stop().await;
    assert!(broken.is_empty(), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handlers_keep_them_in_one_process_over_dynamodb_and_sqs() {
    let dir = tempfile::tempdir().unwrap();
    let Some(aws) = unless_missing(Aws::start(dir.path()).await).unwrap() else {
        return;
    };
    let (place, demo) = InProcess::start(aws, dir.path()).await;
    let world = World::new(place, demo);
    let stories = async {
        tell!(
            world,
            messages::a_text_goes_both_ways_and_its_status_follows,
            messages::a_lost_answer_sends_nothing_twice,
            messages::the_crm_being_down_delays_and_loses_nothing,
            messages::what_is_typed_on_the_phone_is_in_the_crm_once,
            in_process::a_queue_that_fails_after_the_write_is_made_good_by_the_sweeper,
            hostile::strangers_get_nothing,
            hostile::an_authenticated_oddity_blocks_nothing,
            corpus::every_published_body_is_taken_and_shown_or_not_on_purpose,
        )
    };
    let broken = tokio::select! {
        broken = Box::pin(stories) => broken,
        () = Box::pin(world.stack.work()) => unreachable!("the workers never end"),
    };
    world.stack.stop().await;
    assert!(broken.is_empty(), "{broken:?}");
}

#[expect(clippy::disallowed_methods, reason = "a test's own stop-watch")]
fn now() -> Instant {
    Instant::now()
}
