//! Echoes: what the gateway reports of messages that went out through its API, ours and those of
//! other programs on the same number.

use super::Hub;
use super::accept::{self, Home};
use super::deliver::Step;
use super::settle;
use crate::clock::Millis;
use crate::domain::content::{Content, Menu};
use crate::domain::delivery::{Destination, PartState};
use crate::domain::event::{IdKind, NewMessage};
use crate::domain::ids::{ChatId, NumberId};
use crate::domain::message::Message;
use crate::limiter::drain::DrainRow;
use crate::queue::Queue;
use crate::store::chats::{ChatRow, IdRow, UnsureRow, living_chat};
use crate::store::db::{Cond, Db, DbError, Op, Query, Table, Write};
use crate::store::{keys, row};

/// How far an echo's or a journal's time may lie before our own note of the call: their clock is
/// not ours, and theirs counts in seconds.
pub const CLOCK_SKEW_MS: Millis = 5_000;

/// What became of the echoes that wait in a chat: those of our own sends have been claimed, those
/// of other programs become messages. `None` if there are none.
pub async fn settle_echoes<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
) -> Result<Option<Step>, DbError> {
    let now = hub.clock.now_ms();
    let mut next_ms: Option<Millis> = None;
    for (remote_id, came_ms) in &chat.echoes {
        let due = came_ms + hub.settings.echo_after_ms;
        let key = keys::whatsapp_id(&chat.number, IdKind::Message, remote_id);
        let Some(id) = row::load::<IdRow>(&hub.db, &key).await? else {
            forget_echo(hub, chat, remote_id).await?;
            return Ok(Some(Step::Settled));
        };
        let Some(echo) = id.echo.as_ref().filter(|_| id.claimed.is_none()) else {
            forget_echo(hub, chat, remote_id).await?;
            return Ok(Some(Step::Settled));
        };
        if due > now {
            next_ms = Some(next_ms.map_or(due, |next| next.min(due)));
            continue;
        }
        match owner(hub, chat, &echo.message).await? {
            Owner::Ours(message, part) => {
                let id = echo.message.remote_id.clone();
                settle::sent(hub, &message, Destination::Whatsapp, part, &id).await?;
            }
            Owner::MaybeOurs => {
                let later = now + hub.settings.echo_after_ms / 2;
                next_ms = Some(next_ms.map_or(later, |next| next.min(later)));
                continue;
            }
            Owner::Stranger => {
                let home = Home::of_chat(hub, chat).await?;
                accept::unclaimed_echo(hub, &home, chat.clone(), id).await?;
            }
        }
        return Ok(Some(Step::Settled));
    }
    Ok(next_ms.map(Step::Waits))
}

enum Owner {
    /// A send of unknown outcome, and which part of it.
    Ours(Box<Message>, usize),
    /// There is a send of unknown outcome that is still being looked for.
    MaybeOurs,
    /// Another program.
    Stranger,
}

/// Who sent what an unclaimed echo shows. WhatsApp may write the person otherwise in the echo than
/// we did in the send, so all unsure sends of the number are asked.
async fn owner<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    echo: &NewMessage,
) -> Result<Owner, DbError> {
    // A run that died between the provider's answer and its own note of it is found only when its
    // lease has ended; till then the place that it took tells of it. This is asked first: a send
    // becomes unsure before it stops being one that has been begun, so whichever it is meanwhile,
    // one of the two shows it.
    let begun = begun(&hub.db, &chat.number).await?;
    let mut is_open = !begun.is_empty();
    let mut perhaps: Vec<(Message, usize)> = Vec::new();
    let (pk, range) = keys::all_unsure(&chat.number);
    let query = Query {
        table: Table::Chats,
        index: None,
        pk: pk.clone(),
        range,
        backwards: false,
        limit: 100,
    };
    for item in hub.db.query(&query).await? {
        let sk = item.get("sk").and_then(|sk| sk.as_s().ok());
        let Some((unsure_chat, seq)) = sk.and_then(|sk| keys::unsure_of_sk(sk)) else {
            continue;
        };
        let unsure: UnsureRow = row::read(item)?;
        let key = keys::message(&unsure_chat, seq);
        let Some(message) = row::load::<Message>(&hub.db, &key).await? else {
            continue;
        };
        let Some(delivery) = message.deliveries.get(&Destination::Whatsapp) else {
            continue;
        };
        let mut is_open_still = false;
        for (part, row) in delivery.parts.iter().enumerate() {
            match row.state {
                PartState::Unknown {
                    since_ms,
                    to_person,
                    ..
                } => {
                    if is_echo_of(echo, &message, part, since_ms) {
                        match whose(hub, chat, &message.chat).await? {
                            Whose::Same => return Ok(Owner::Ours(Box::new(message), part)),
                            Whose::Perhaps => perhaps.push((message.clone(), part)),
                            Whose::Other => {}
                        }
                    }
                    is_open_still = true;
                    is_open |= !to_person;
                }
                // About to become unknown.
                PartState::Sending { .. } => is_open_still = true,
                _ => {}
            }
        }
        if !is_open_still && unsure.since_ms + hub.settings.unknown_after_ms < hub.clock.now_ms() {
            let gone = keys::unsure(&chat.number, &unsure_chat, seq);
            hub.db
                .write(vec![Write {
                    key: gone,
                    op: Op::Delete,
                    only_if: Cond::Always,
                }])
                .await?;
        }
    }
    // Two people may have been told the same at one moment. As long as one of the sends may still be
    // found in the provider's journal, which knows the chat, nothing is guessed.
    let is_only = perhaps.iter().all(|(it, _)| it.chat == perhaps[0].0.chat);
    let may_be_begun = begun
        .iter()
        .any(|(it, part)| has_same_content(&echo.content, &it.content, *part));
    let is_clear = is_only && !may_be_begun;
    Ok(match perhaps.into_iter().next() {
        Some((message, part)) if is_clear || !is_open => Owner::Ours(Box::new(message), part),
        None if !is_open => Owner::Stranger,
        _ => Owner::MaybeOurs,
    })
}

/// Whether a send went to the person in whose chat an echo waits.
enum Whose {
    /// It is the same chat.
    Same,
    /// WhatsApp may know the person of that chat by the other's address too.
    Perhaps,
    /// Somebody else, who was told the same.
    Other,
}

async fn whose<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    echoed: &ChatRow,
    sent: &ChatId,
) -> Result<Whose, DbError> {
    if *sent == echoed.chat {
        return Ok(Whose::Same);
    }
    let Some(sent) = living_chat(&hub.db, sent).await? else {
        return Ok(Whose::Other);
    };
    Ok(if sent.chat == echoed.chat {
        Whose::Same
    } else if sent.address.may_be_same_as(&echoed.address) {
        Whose::Perhaps
    } else {
        Whose::Other
    })
}

/// Whether any of the sends that hold a place at the provider has been begun and not been settled.
pub async fn is_any_sending(db: &impl Db, number: &NumberId) -> Result<bool, DbError> {
    Ok(!begun(db, number).await?.is_empty())
}

/// The sends that hold a place at the provider, have been begun and have not been settled.
async fn begun(db: &impl Db, number: &NumberId) -> Result<Vec<(Message, usize)>, DbError> {
    let mut begun = Vec::new();
    let drain = row::load::<DrainRow>(db, &keys::drain(number)).await?;
    for (slot, _) in drain.iter().flat_map(DrainRow::undrained) {
        let Some((chat, seq, part)) = settle::part_of_slot(slot) else {
            continue;
        };
        let Some(message) = row::load::<Message>(db, &keys::message(&chat, seq)).await? else {
            continue;
        };
        let delivery = message.deliveries.get(&Destination::Whatsapp);
        let state = delivery
            .and_then(|delivery| delivery.parts.get(part))
            .map(|part| &part.state);
        if matches!(state, Some(PartState::Sending { .. })) {
            begun.push((message, part));
        }
    }
    Ok(begun)
}

async fn forget_echo<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    remote_id: &str,
) -> Result<(), DbError> {
    row::change::<ChatRow>(&hub.db, &keys::chat(&chat.chat), |chat| {
        chat.echoes.remove(remote_id).is_some()
    })
    .await?;
    Ok(())
}

/// The id of the echo in the chat that is of this part, if there is one.
pub async fn echo_of<D: Db, Q: Queue>(
    hub: &Hub<D, Q>,
    chat: &ChatRow,
    message: &Message,
    part: usize,
    since_ms: Millis,
) -> Result<Option<String>, DbError> {
    for remote_id in chat.echoes.keys() {
        let key = keys::whatsapp_id(&chat.number, IdKind::Message, remote_id);
        if let Some(IdRow {
            claimed: None,
            echo: Some(echo),
            ..
        }) = row::load::<IdRow>(&hub.db, &key).await?
            && is_echo_of(&echo.message, message, part, since_ms)
        {
            return Ok(Some(remote_id.clone()));
        }
    }
    Ok(None)
}

/// Whether an echo, or a journal's entry, is of this part: made since, and of the same content.
pub fn is_echo_of(echo: &NewMessage, message: &Message, part: usize, since_ms: Millis) -> bool {
    let is_since = echo
        .at_s
        .is_none_or(|at_s| at_s * 1000 + 999 >= since_ms - CLOCK_SKEW_MS);
    is_since && has_same_content(&echo.content, &message.content, part)
}

fn has_same_content(echo: &Content, sent: &Content, part: usize) -> bool {
    match (echo, sent) {
        (Content::Text { text: echo }, Content::Text { text: sent }) => echo.trim() == sent.trim(),
        (
            Content::Files {
                files: echo,
                caption: echo_caption,
            },
            Content::Files {
                files: sent,
                caption,
            },
        ) => {
            let caption = if part == 0 { caption.trim() } else { "" };
            let same_name = match (echo.first(), sent.get(part)) {
                (Some(echo), Some(sent)) => {
                    echo.name.is_empty() || sent.name.is_empty() || echo.name == sent.name
                }
                _ => false,
            };
            same_name && (echo_caption.is_empty() || echo_caption.trim() == caption)
        }
        (Content::Menu(echo), Content::Menu(sent)) => has_same_buttons(echo, sent),
        (echo, sent) => echo == sent,
    }
}

/// Answers are echoed as the same kind of message as links, calls and codes (GREEN-API contract,
/// messageData), so the kind does not count.
fn has_same_buttons(echo: &Menu, sent: &Menu) -> bool {
    let texts =
        |menu: &Menu| [&menu.title, &menu.body, &menu.footer].map(|text| text.trim().to_owned());
    let buttons = |menu: &Menu| -> Vec<_> {
        let items = menu.items.iter();
        items
            .map(|item| (item.label.trim().to_owned(), item.action.clone()))
            .collect()
    };
    texts(echo) == texts(sent) && buttons(echo) == buttons(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::content::{MenuAction, MenuItem, MenuKind};

    #[test]
    fn buttons_are_recognised_by_what_they_say_and_do() {
        let menu = |kind, body: &str, label: &str, action| {
            Content::Menu(Menu {
                menu: kind,
                title: String::new(),
                body: body.to_owned(),
                footer: String::new(),
                opener: String::new(),
                items: vec![MenuItem {
                    section: String::new(),
                    label: label.to_owned(),
                    description: String::new(),
                    action,
                }],
            })
        };
        let sent = menu(MenuKind::InteractiveReply, "b", "Yes", MenuAction::Reply);
        let check = |echo: Content, expect: bool| {
            assert_eq!(has_same_content(&echo, &sent, 0), expect, "{echo:?}");
        };
        use MenuAction::{Reply, Url};
        use MenuKind::{Interactive, InteractiveReply};
        check(menu(InteractiveReply, "b", "Yes", Reply), true);
        check(menu(Interactive, "b\n", "Yes ", Reply), true);
        check(menu(Interactive, "b", "No", Reply), false);
        check(menu(Interactive, "other", "Yes", Reply), false);
        check(
            menu(Interactive, "b", "Yes", Url("https://a".to_owned())),
            false,
        );
        check(
            Content::Text {
                text: "b".to_owned(),
            },
            false,
        );
    }
}
