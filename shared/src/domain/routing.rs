//! Through which of a workspace's numbers an answer goes.

use serde::{Deserialize, Serialize};

use super::ids::NumberId;

/// One way to choose a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The number that the contact wrote to last.
    LastConversation,
    /// The number that the contact's tag names.
    Tag,
    /// The workspace's default number.
    Default,
}

/// How a number is chosen: by the first rule that leads to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// Each rule at most once, [`Rule::Default`] at the end.
    pub order: Vec<Rule>,
    /// The default number; the oldest one if there is none, or it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NumberId>,
}

impl Default for Routing {
    fn default() -> Self {
        Routing {
            order: vec![Rule::LastConversation, Rule::Tag, Rule::Default],
            default: None,
        }
    }
}

/// An order that does not decide, or not once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("each rule may be there once, and the default number is the last of them")]
pub struct BadOrder;

/// Checks an order that somebody chose.
///
/// # Errors
/// [`BadOrder`].
pub fn check_order(order: &[Rule]) -> Result<(), BadOrder> {
    let is_once = |rule: &Rule| order.iter().filter(|other| *other == rule).count() == 1;
    let ends = order.last() == Some(&Rule::Default);
    if ends && order.iter().all(is_once) {
        return Ok(());
    }
    Err(BadOrder)
}

#[cfg(test)]
mod tests {
    use super::Rule::{Default, LastConversation, Tag};
    use super::*;

    #[test]
    fn an_order_ends_with_the_default_and_names_nothing_twice() {
        let check = |order: &[Rule], expect: bool| {
            assert_eq!(check_order(order).is_ok(), expect, "{order:?}");
        };
        check(&[LastConversation, Tag, Default], true);
        check(&[Tag, LastConversation, Default], true);
        check(&[Tag, Default], true);
        check(&[Default], true);
        check(&[], false);
        check(&[LastConversation, Tag], false);
        check(&[Default, Tag], false);
        check(&[Tag, Tag, Default], false);
        check(&Routing::default().order, true);
    }
}
