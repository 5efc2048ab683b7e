//! What somebody may do in a workspace, and what of that they may give to others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::NumberId;

/// What somebody may do. An owner may do everything; the rest is what it says, each by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rights {
    /// Everything, and nobody but an owner changes an owner.
    pub owner: bool,
    /// Adds people, changes what they may do, ends their sessions.
    pub manage_users: bool,
    /// Adds, changes, links and removes the numbers that they see.
    pub manage_instances: bool,
    /// Sees all numbers, those of the future too.
    pub full_access: bool,
    /// The numbers that they see without that.
    pub numbers: BTreeSet<NumberId>,
}

/// A right that is one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Right {
    /// [`Rights::owner`]
    Owner,
    /// [`Rights::manage_users`]
    ManageUsers,
    /// [`Rights::manage_instances`]
    ManageInstances,
    /// [`Rights::full_access`]
    FullAccess,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 4] = [
        Right::Owner,
        Right::ManageUsers,
        Right::ManageInstances,
        Right::FullAccess,
    ];

    /// What programs call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Right::Owner => "owner",
            Right::ManageUsers => "manageUsers",
            Right::ManageInstances => "manageInstances",
            Right::FullAccess => "fullAccess",
        }
    }
}

/// Rights that cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Nobody gives what they do not have.
    #[error("the right {} is not theirs to give", .0.as_str())]
    Lacking(Right),
    /// Only an owner changes what an owner may do.
    #[error("only an owner changes an owner")]
    OfAnOwner,
}

impl Rights {
    /// An owner's.
    pub fn of_owner() -> Self {
        Rights {
            owner: true,
            ..Rights::default()
        }
    }

    /// A GoHighLevel user's: everybody sees all numbers, admins manage.
    pub fn of_crm_user(is_admin: bool) -> Self {
        Rights {
            manage_users: is_admin,
            manage_instances: is_admin,
            full_access: true,
            ..Rights::default()
        }
    }

    /// Whether they have it, by itself or as owners.
    pub fn has(&self, right: Right) -> bool {
        self.owner || self.holds(right)
    }

    /// Manages people.
    pub fn may_manage_users(&self) -> bool {
        self.has(Right::ManageUsers)
    }

    /// Manages numbers, if only those that they see.
    pub fn may_manage_instances(&self) -> bool {
        self.has(Right::ManageInstances)
    }

    /// Sees all numbers.
    pub fn sees_all(&self) -> bool {
        self.has(Right::FullAccess)
    }

    /// Sees this number.
    pub fn may_see(&self, number: &NumberId) -> bool {
        self.sees_all() || self.numbers.contains(number)
    }

    /// Manages this number.
    pub fn may_manage(&self, number: &NumberId) -> bool {
        self.may_manage_instances() && self.may_see(number)
    }

    /// What somebody with `before` has after this one wanted them to have `wanted`. Numbers that
    /// this one does not see are neither given nor taken: whoever gives does not know of them.
    ///
    /// # Errors
    /// [`GrantError`]; nothing is given then.
    pub fn grant(&self, before: &Rights, wanted: Rights) -> Result<Rights, GrantError> {
        if before.owner && !self.owner {
            return Err(GrantError::OfAnOwner);
        }
        for right in Right::ALL {
            if wanted.holds(right) && !before.holds(right) && !self.has(right) {
                return Err(GrantError::Lacking(right));
            }
        }
        let mut numbers = wanted.numbers;
        numbers.retain(|number| self.may_see(number));
        let unseen = before.numbers.iter().filter(|number| !self.may_see(number));
        numbers.extend(unseen.cloned());
        Ok(Rights { numbers, ..wanted })
    }

    fn holds(&self, right: Right) -> bool {
        match right {
            Right::Owner => self.owner,
            Right::ManageUsers => self.manage_users,
            Right::ManageInstances => self.manage_instances,
            Right::FullAccess => self.full_access,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `o`wner, manages `u`sers, manages `i`nstances, `f`ull access, numbers `1` to `9`.
    fn rights(letters: &str) -> Rights {
        let numbers = letters.chars().filter(char::is_ascii_digit);
        Rights {
            owner: letters.contains('o'),
            manage_users: letters.contains('u'),
            manage_instances: letters.contains('i'),
            full_access: letters.contains('f'),
            numbers: numbers.map(|n| NumberId::new(n.to_string())).collect(),
        }
    }

    fn any() -> impl Strategy<Value = Rights> {
        "o?u?i?f?1?2?3?".prop_map(|letters| rights(&letters))
    }

    #[test]
    fn each_role_may_what_it_says() {
        // What each may: manage users, manage instances, see all, see number 1, manage number 1.
        let check = |letters: &str, expect: [bool; 5]| {
            let (rights, one) = (rights(letters), NumberId::new("1"));
            let got = [
                rights.may_manage_users(),
                rights.may_manage_instances(),
                rights.sees_all(),
                rights.may_see(&one),
                rights.may_manage(&one),
            ];
            assert_eq!(got, expect, "{letters:?}");
        };
        check("", [false, false, false, false, false]);
        check("1", [false, false, false, true, false]);
        check("2", [false, false, false, false, false]);
        check("f", [false, false, true, true, false]);
        check("u", [true, false, false, false, false]);
        check("u1", [true, false, false, true, false]);
        check("i", [false, true, false, false, false]);
        check("i1", [false, true, false, true, true]);
        check("i2", [false, true, false, false, false]);
        check("if", [false, true, true, true, true]);
        check("uif", [true, true, true, true, true]);
        check("o", [true, true, true, true, true]);
        assert_eq!(Rights::of_crm_user(true), self::rights("uif"));
        assert_eq!(Rights::of_crm_user(false), self::rights("f"));
        assert_eq!(Rights::of_owner(), self::rights("o"));
    }

    #[test]
    fn nobody_gives_what_they_lack() {
        // AC 105, AC 106, AC 107
        let check = |actor: &str, before: &str, wanted: &str, expect: Result<&str, GrantError>| {
            let got = rights(actor).grant(&rights(before), rights(wanted));
            let what = format!("{actor:?} turns {before:?} into {wanted:?}");
            assert_eq!(got, expect.map(rights), "{what}");
        };
        let lacking = |right| Err(GrantError::Lacking(right));
        // Raising oneself.
        check("", "", "i", lacking(Right::ManageInstances));
        check("", "", "f", lacking(Right::FullAccess));
        check("u1", "u1", "u1o", lacking(Right::Owner));
        // A manager of people who does not manage numbers.
        check("uf", "", "i", lacking(Right::ManageInstances));
        check("u1", "", "f", lacking(Right::FullAccess));
        check("u1", "1", "o", lacking(Right::Owner));
        check("u1", "", "u12", Ok("u1"));
        // What somebody has already stays, and can be taken.
        check("u1", "i", "i1", Ok("i1"));
        check("uf", "uif12", "", Ok(""));
        // Numbers that the manager does not see.
        check("u1", "12", "", Ok("2"));
        check("u1", "2", "13", Ok("12"));
        check("uf", "12", "3", Ok("3"));
        // Owners.
        check("uif", "o", "o", Err(GrantError::OfAnOwner));
        check("uif", "o", "", Err(GrantError::OfAnOwner));
        check("o", "o", "u", Ok("u"));
        check("o", "", "ouif1", Ok("ouif1"));
    }

    proptest! {
        #[test]
        fn what_is_given_was_there_before_or_is_the_givers(
            actor in any(), before in any(), wanted in any()
        ) {
            let asked = wanted.clone();
            if let Ok(after) = actor.grant(&before, wanted) {
                for right in Right::ALL {
                    prop_assert!(!after.holds(right) || before.holds(right) || actor.has(right));
                    // Nothing is given unasked, and what was to be taken is gone.
                    prop_assert_eq!(after.holds(right), asked.holds(right));
                }
                for number in &after.numbers {
                    prop_assert!(before.numbers.contains(number) || actor.may_see(number));
                }
            }
        }
    }
}
