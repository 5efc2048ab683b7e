//! The two ways in which the app is a location's SMS provider (GHL contract, two shapes of SMS
//! provider), and which of them a message was handed to.

use serde::{Deserialize, Serialize};

/// How the app serves a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// As its default SMS provider, in place of LC Phone: workflows' "Send SMS" and bulk actions
    /// go through it.
    DefaultProvider,
    /// As a channel of its own beside it.
    ExtraChannel,
}

impl Shape {
    /// By the type that a location's list of messages tells, as a word or a number.
    pub fn of_type(message_type: &str) -> Option<Self> {
        match message_type {
            "TYPE_CUSTOM_SMS" | "20" => Some(Shape::DefaultProvider),
            "TYPE_CUSTOM_PROVIDER_SMS" | "22" => Some(Shape::ExtraChannel),
            _ => None,
        }
    }
}

/// The app's conversation providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    /// The id of the extra channel.
    pub extra: String,
    /// The id of the default SMS provider, if the app offers one and we were told.
    pub default: Option<String>,
}

/// What tells to which of the app's providers a message was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed<'a> {
    /// The provider that the message names.
    pub provider_id: Option<&'a str>,
    /// It has what only extra channels' messages have.
    pub is_marked_extra: bool,
    /// It came to the address of the default provider.
    pub at_default_address: bool,
}

/// Which of the app's providers a location has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// The extra channel.
    pub extra: bool,
    /// The default SMS provider.
    pub default: bool,
    /// When the location was asked, milliseconds since 1970.
    pub asked_ms: i64,
}

impl Providers {
    /// The one of ours that has this id.
    pub fn by_id(&self, id: &str) -> Option<Shape> {
        if id == self.extra {
            Some(Shape::ExtraChannel)
        } else if self.default.as_deref() == Some(id) {
            Some(Shape::DefaultProvider)
        } else {
            None
        }
    }

    /// To which of ours a message was handed; `None` if it names another app's.
    ///
    /// The name decides, whatever address the message came to. A default provider's message has
    /// none, and neither has an extra channel's now and then.
    pub fn handed(&self, handed: Handed<'_>) -> Option<Shape> {
        match handed.provider_id {
            Some(id) => self.by_id(id),
            None if handed.is_marked_extra && !handed.at_default_address => {
                Some(Shape::ExtraChannel)
            }
            None => Some(Shape::DefaultProvider),
        }
    }

    /// Through which of ours a message of a location's list went; `None` if it was none. The type
    /// alone could be any app's, unless the location is known to have our default provider.
    pub fn listed(
        &self,
        provider_id: Option<&str>,
        message_type: Option<&str>,
        active: Option<Active>,
    ) -> Option<Shape> {
        let of_type = message_type.and_then(Shape::of_type);
        match provider_id {
            Some(id) => self.by_id(id),
            None if active.is_some_and(|active| active.default) => {
                of_type.filter(|shape| *shape == Shape::DefaultProvider)
            }
            None => None,
        }
    }

    /// The id that our own posts into a location name: the extra channel's, unless the location is
    /// known to have the default provider alone.
    pub fn posting(&self, active: Option<Active>) -> &str {
        match (active, &self.default) {
            (Some(active), Some(default)) if active.default && !active.extra => default,
            _ => &self.extra,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers(default: Option<&str>) -> Providers {
        Providers {
            extra: "extra".into(),
            default: default.map(str::to_owned),
        }
    }

    #[test]
    fn the_name_decides_and_then_what_only_one_shape_has() {
        use Shape::{DefaultProvider, ExtraChannel};
        let check = |id: Option<&str>, marked: bool, at_default: bool, expect: Option<Shape>| {
            let handed = Handed {
                provider_id: id,
                is_marked_extra: marked,
                at_default_address: at_default,
            };
            let both = providers(Some("default"));
            assert_eq!(both.handed(handed), expect, "{handed:?}");
        };
        for at_default in [false, true] {
            for marked in [false, true] {
                check(Some("extra"), marked, at_default, Some(ExtraChannel));
                check(Some("default"), marked, at_default, Some(DefaultProvider));
                check(Some("another"), marked, at_default, None);
            }
            check(None, false, at_default, Some(DefaultProvider));
        }
        check(None, true, false, Some(ExtraChannel));
        check(None, true, true, Some(DefaultProvider));
        let named = Handed {
            provider_id: Some("default"),
            is_marked_extra: false,
            at_default_address: true,
        };
        assert_eq!(providers(None).handed(named), None, "not ours to know");
    }

    #[test]
    fn a_listed_message_is_ours_by_its_providers_id_or_where_ours_is_the_default_one() {
        use Shape::{DefaultProvider, ExtraChannel};
        let check = |id: Option<&str>, kind: Option<&str>, default: bool, expect: Option<Shape>| {
            let active = Some(Active {
                extra: true,
                default,
                asked_ms: 1,
            });
            let both = providers(Some("default"));
            assert_eq!(both.listed(id, kind, active), expect, "{id:?} {kind:?}");
        };
        check(Some("extra"), Some("22"), false, Some(ExtraChannel));
        check(Some("default"), Some("20"), false, Some(DefaultProvider));
        check(Some("another"), Some("20"), true, None);
        check(None, Some("TYPE_CUSTOM_SMS"), true, Some(DefaultProvider));
        check(None, Some("20"), true, Some(DefaultProvider));
        check(None, Some("TYPE_CUSTOM_SMS"), false, None);
        check(None, Some("TYPE_CUSTOM_PROVIDER_SMS"), true, None);
        // LC Phone's.
        check(None, Some("TYPE_SMS"), true, None);
        check(None, None, true, None);
        assert_eq!(providers(Some("d")).listed(None, Some("20"), None), None);
    }

    #[test]
    fn posts_name_the_default_provider_where_it_is_alone() {
        let check = |default: Option<&str>, active: Option<(bool, bool)>, expect: &str| {
            let known = active.map(|(extra, default)| Active {
                extra,
                default,
                asked_ms: 1,
            });
            assert_eq!(providers(default).posting(known), expect, "{active:?}");
        };
        check(Some("default"), None, "extra");
        check(Some("default"), Some((false, false)), "extra");
        check(Some("default"), Some((true, false)), "extra");
        check(Some("default"), Some((true, true)), "extra");
        check(Some("default"), Some((false, true)), "default");
        check(None, Some((false, true)), "extra");
    }
}
