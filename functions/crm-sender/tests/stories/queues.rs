//! Wake-ups as the functions get them.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use greenhub::domain::delivery::Lane;
use greenhub::queue::WakeUp;

/// The batches of the queues for copies, for WhatsApp and for the CRM.
pub(crate) fn of(wake_ups: Vec<WakeUp>) -> [SqsEvent; 3] {
    let mut queues: [Vec<WakeUp>; 3] = Default::default();
    for wake_up in wake_ups {
        let queue = match wake_up.lane() {
            Lane::Media => 0,
            Lane::Whatsapp => 1,
            Lane::Crm | Lane::CrmStatus => 2,
            // No number of these stories posts anywhere.
            Lane::Telegram => continue,
        };
        queues[queue].push(wake_up);
    }
    queues.map(batch)
}

fn batch(wake_ups: Vec<WakeUp>) -> SqsEvent {
    let records = wake_ups.iter().enumerate().map(|(n, wake_up)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(n.to_string());
        message.body = Some(serde_json::to_string(wake_up).unwrap());
        message
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}
