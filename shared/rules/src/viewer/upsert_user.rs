//! What becomes of an external user when the owner's backend says something about them.
//!
//! A pure function from (what is known, what is said) to what is to be written or to one error. Nothing
//! here reaches the table: see [`crate::storage::UserDirectory`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::viewer::attribute::{AttributeDefinition, Definitions};
use crate::viewer::external_user::{EPHEMERAL_SECONDS, ExternalId, ExternalUser, Membership};
use crate::viewer::tenant::{TenantGroup, TenantName, TenantWithGroups, require_groups};

/// What is said of a user. What is left out stays as it is.
#[derive(Debug, Clone)]
pub struct Change {
    pub external_id: ExternalId,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub picture: Option<String>,
    /// Null takes a value away.
    pub attributes: Vec<(String, Value)>,
    /// Groups of the whole stack, by name: exactly these.
    pub groups: Option<Vec<String>>,
    pub tenant: Option<TenantChange>,
    pub tenant_groups: GroupChange,
    pub standing: Standing,
}

impl Change {
    pub const fn to(external_id: ExternalId) -> Self {
        Self {
            external_id,
            email: None,
            display_name: None,
            picture: None,
            attributes: Vec::new(),
            groups: None,
            tenant: None,
            tenant_groups: GroupChange::Keep,
            standing: Standing::Permanent,
        }
    }
}

/// The tenant that the user is in, which is made if it is not there, and what is to be in it.
#[derive(Debug, Clone)]
pub struct TenantChange {
    pub name: TenantName,
    pub display_name: Option<String>,
    pub groups: Vec<TenantGroup>,
    pub attributes: Vec<AttributeDefinition>,
}

impl TenantChange {
    pub const fn to(name: TenantName) -> Self {
        Self { name, display_name: None, groups: Vec::new(), attributes: Vec::new() }
    }
}

/// The user's groups within the tenant, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    Keep,
    Replace(Vec<String>),
    Join(String),
    Leave(String),
}

/// Does the user take a place under the limit?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Permanent,
    /// Forgotten a week after the last session; one who has a place keeps it.
    Ephemeral,
    /// Whatever the user is now, and permanent if new.
    AsIs,
}

/// What there is already.
#[derive(Debug, Clone)]
pub struct Known {
    pub user: Option<ExternalUser>,
    /// Attributes of the whole stack.
    pub attributes: Vec<AttributeDefinition>,
    /// Groups of the whole stack.
    pub groups: BTreeSet<String>,
    /// The tenant that is named, or else the user's own.
    pub tenant: Option<TenantWithGroups>,
    /// Which tenant has the name of the user's own.
    pub home: Option<u64>,
}

/// Numbers for what is new.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    pub user_id: u64,
    pub tenant_id: u64,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct UserUpsert {
    /// What stands in the user's place now, to be replaced.
    pub before: Option<ExternalUser>,
    pub user: ExternalUser,
    pub tenant: Option<TenantWrite>,
    /// The attributes that the user really has, defaults among them.
    pub attributes: BTreeMap<String, Value>,
    /// All groups of the user that are there, those of the tenant by their qualified names.
    pub groups: Vec<String>,
}

impl UserUpsert {
    /// Is there anything to be written?
    pub fn is_change(&self) -> bool {
        self.before.as_ref() != Some(&self.user)
            || self.tenant.as_ref().is_some_and(|tenant| tenant.is_new || tenant.is_change())
    }

    pub fn is_new_user(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.id != self.user.id)
    }
}

#[derive(Debug, Clone)]
pub struct TenantWrite {
    pub name: TenantName,
    pub id: u64,
    pub is_new: bool,
    /// Only if it differs.
    pub display_name: Option<String>,
    /// Only what is new or differs.
    pub groups: Vec<TenantGroup>,
    pub attributes: Vec<AttributeDefinition>,
}

impl TenantWrite {
    pub fn is_change(&self) -> bool {
        self.display_name.is_some() || !self.groups.is_empty() || !self.attributes.is_empty()
    }
}

/// Decides what becomes of the user. `crowded`: there is no place for another permanent user.
pub fn register(
    change: &Change,
    known: &Known,
    fresh: Fresh,
    now: Timestamp,
    crowded: bool,
) -> Result<UserUpsert> {
    let present = known.user.as_ref().filter(|user| !user.is_expired(now) && is_at_home(user, known));
    let mut user =
        present.cloned().unwrap_or_else(|| ExternalUser::new(change.external_id.clone(), fresh.user_id, now));
    for (field, said) in [
        (&mut user.email, &change.email),
        (&mut user.display_name, &change.display_name),
        (&mut user.picture, &change.picture),
    ] {
        if said.is_some() {
            field.clone_from(said);
        }
    }
    let tenant = tenant_write(change, known, fresh)?;
    join_tenant(&mut user, change, known, tenant.as_ref())?;
    user.expires_at = expiry(change.standing, present, now, crowded);

    let definitions = definitions(known, tenant.as_ref());
    definitions.check(&change.attributes)?;
    for (name, value) in &change.attributes {
        if value.is_null() {
            user.attributes.remove(name);
        } else {
            user.attributes.insert(name.clone(), value.clone());
        }
    }
    definitions.retain(&mut user.attributes);
    if let Some(groups) = &change.groups {
        require_groups(groups, |name| known.groups.contains(name))?;
        user.groups = distinct(groups);
    }
    if known.user.as_ref() != Some(&user) {
        user.revision = known.user.as_ref().map_or(0, |before| before.revision) + 1;
    }
    Ok(UserUpsert {
        attributes: definitions.effective(&user.attributes),
        groups: groups_of(&user, known, tenant.as_ref()),
        before: known.user.clone(),
        user,
        tenant,
    })
}

/// Is the user's tenant still the one that it was?
fn is_at_home(user: &ExternalUser, known: &Known) -> bool {
    user.tenant.as_ref().is_none_or(|membership| known.home == Some(membership.tenant_id))
}

fn tenant_write(change: &Change, known: &Known, fresh: Fresh) -> Result<Option<TenantWrite>> {
    let Some(said) = &change.tenant else { return Ok(None) };
    let there = known.tenant.as_ref();
    let stack = Definitions::of(&known.attributes);
    let own = Definitions::of(there.iter().flat_map(|there| &there.attributes));
    for definition in &said.attributes {
        definition.over(own.get(&definition.name))?;
        definition.over(stack.get(&definition.name))?;
    }
    let differs = |group: &&TenantGroup| {
        let present = there.and_then(|there| there.groups.iter().find(|one| one.name == group.name));
        // A definition that says nothing more than the name leaves the description that is there.
        present.is_none_or(|one| group.description.is_some() && one.description != group.description)
    };
    Ok(Some(TenantWrite {
        name: said.name.clone(),
        id: there.map_or(fresh.tenant_id, |there| there.tenant.id),
        is_new: there.is_none(),
        display_name: said
            .display_name
            .clone()
            .filter(|name| there.is_none_or(|there| there.tenant.display_name.as_ref() != Some(name))),
        groups: said.groups.iter().filter(differs).cloned().collect(),
        attributes: said
            .attributes
            .iter()
            .filter(|definition| own.get(&definition.name) != Some(definition))
            .cloned()
            .collect(),
    }))
}

fn join_tenant(
    user: &mut ExternalUser,
    change: &Change,
    known: &Known,
    tenant: Option<&TenantWrite>,
) -> Result<()> {
    if let Some(tenant) = tenant {
        match &user.tenant {
            Some(membership) if membership.tenant != tenant.name => return Err(Reason::TenantOther.into()),
            Some(_) => {}
            None => {
                user.tenant = Some(Membership {
                    tenant: tenant.name.clone(),
                    tenant_id: tenant.id,
                    groups: Vec::new(),
                });
            }
        }
    }
    let Some(membership) = &mut user.tenant else { return Ok(()) };
    match &change.tenant_groups {
        GroupChange::Keep => {}
        GroupChange::Replace(names) => {
            require_groups(names, |name| has_group(known, tenant, name))?;
            membership.groups = distinct(names);
        }
        GroupChange::Join(name) if membership.groups.contains(name) => {}
        GroupChange::Join(name) => membership.groups.push(name.clone()),
        GroupChange::Leave(name) => membership.groups.retain(|one| one != name),
    }
    Ok(())
}

fn has_group(known: &Known, tenant: Option<&TenantWrite>, name: &str) -> bool {
    let there = known.tenant.iter().flat_map(|there| &there.groups);
    there.chain(tenant.iter().flat_map(|tenant| &tenant.groups)).any(|group| group.name == name)
}

fn expiry(
    standing: Standing,
    present: Option<&ExternalUser>,
    now: Timestamp,
    crowded: bool,
) -> Option<Timestamp> {
    let later = Some(now.plus(EPHEMERAL_SECONDS));
    match (standing, present) {
        (Standing::Ephemeral, None) => later,
        (Standing::Permanent | Standing::AsIs, None) => None,
        (Standing::AsIs, Some(user)) => user.expires_at,
        (_, Some(user)) if !user.is_ephemeral() => None,
        (Standing::Ephemeral, Some(_)) => later,
        // Known already: refused nothing, and made permanent when there is room.
        (Standing::Permanent, Some(_)) => later.filter(|_| crowded),
    }
}

fn definitions(known: &Known, tenant: Option<&TenantWrite>) -> Definitions {
    let own = known.tenant.iter().flat_map(|there| &there.attributes);
    let new = tenant.iter().flat_map(|tenant| &tenant.attributes);
    Definitions::of(known.attributes.iter().chain(own).chain(new))
}

fn groups_of(user: &ExternalUser, known: &Known, tenant: Option<&TenantWrite>) -> Vec<String> {
    let of_stack = user.groups.iter().filter(|name| known.groups.contains(*name)).cloned();
    let of_tenant = user.tenant.iter().flat_map(|membership| {
        let there = membership.groups.iter().filter(|name| has_group(known, tenant, name));
        there.map(|name| TenantGroup::qualified(&membership.tenant, name))
    });
    of_stack.chain(of_tenant).collect()
}

fn distinct(names: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !distinct.contains(name) {
            distinct.push(name.clone());
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viewer::tenant::Tenant;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;
    const FRESH: Fresh = Fresh { user_id: 7, tenant_id: 70 };

    fn now() -> Timestamp {
        Timestamp::from_unix(NOW)
    }

    fn change() -> Change {
        Change::to("User@X".parse().unwrap())
    }

    fn definition(name: &str, kind: &str) -> AttributeDefinition {
        serde_json::from_value(json!({"name": name, "type": kind})).unwrap()
    }

    fn known() -> Known {
        Known {
            user: None,
            attributes: vec![definition("city", "string"), definition("level", "number")],
            groups: ["a", "b"].map(str::to_owned).into(),
            tenant: None,
            home: None,
        }
    }

    fn tenant(id: u64) -> TenantWithGroups {
        let group = |name: &str| TenantGroup { name: name.to_owned(), description: None, users: 0 };
        TenantWithGroups {
            tenant: Tenant {
                id,
                name: "acme".parse().unwrap(),
                display_name: None,
                created_at: now(),
                users: 0,
                changes: 0,
            },
            groups: vec![group("editors")],
            attributes: vec![definition("store", "number")],
        }
    }

    fn run(change: &Change, known: &Known) -> Result<UserUpsert> {
        register(change, known, FRESH, now(), false)
    }

    /// What `known` becomes once a change has been written.
    fn after(change: &Change, known: Known) -> Known {
        let registration = run(change, &known).unwrap();
        let home = registration.user.tenant.as_ref().map(|membership| membership.tenant_id);
        Known { user: Some(registration.user), home, ..known }
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_said_replaces() {
        let first = Change {
            email: Some("a@x".into()),
            attributes: vec![("city".into(), json!("Berlin")), ("level".into(), json!(1))],
            groups: Some(vec!["a".into(), "b".into(), "a".into()]),
            ..change()
        };
        let known = after(&first, known());
        let user = known.user.clone().unwrap();
        assert_eq!((user.id, user.external_id.as_str(), user.revision), (7, "user@x", 1));
        assert_eq!(user.groups, ["a", "b"]);

        let nothing = run(&change(), &known).unwrap();
        assert!(!nothing.is_change() && !nothing.is_new_user());
        let second = Change {
            attributes: vec![("level".into(), json!(2)), ("city".into(), Value::Null)],
            groups: Some(Vec::new()),
            ..change()
        };
        let second = run(&second, &known).unwrap();
        assert_eq!(second.user.email.as_deref(), Some("a@x"));
        assert_eq!(json!(second.attributes), json!({"level": 2}));
        assert_eq!((second.user.revision, second.groups.len()), (2, 0));
    }

    #[test]
    fn what_is_not_defined_is_refused() {
        let reason = |change: Change| run(&change, &known()).map(|_| ()).map_err(|error| error.reason);
        let of_tenant = |attributes, groups| {
            Some(TenantChange { attributes, groups, ..TenantChange::to("acme".parse().unwrap()) })
        };
        assert_eq!(
            reason(Change { attributes: vec![("none".into(), json!(1))], ..change() }),
            Err(Reason::AttributeUnknown)
        );
        assert_eq!(
            reason(Change { groups: Some(vec!["a".into(), "c".into()]), ..change() }),
            Err(Reason::GroupUnknown)
        );
        assert_eq!(
            reason(Change {
                tenant: of_tenant(vec![], vec![]),
                tenant_groups: GroupChange::Replace(vec!["editors".into()]),
                ..change()
            }),
            Err(Reason::GroupUnknown)
        );
        // A tenant's attribute may not mean something else than the stack's.
        assert_eq!(
            reason(Change { tenant: of_tenant(vec![definition("city", "number")], vec![]), ..change() }),
            Err(Reason::AttributeTypeChanged)
        );
        assert_eq!(
            reason(Change {
                tenant: of_tenant(vec![definition("shop", "number")], vec![]),
                attributes: vec![("shop".into(), json!(4))],
                ..change()
            }),
            Ok(())
        );
    }

    #[test]
    fn a_user_is_in_one_tenant() {
        let acme = |name: &str| Change {
            tenant: Some(TenantChange::to(name.parse().unwrap())),
            tenant_groups: GroupChange::Replace(vec!["editors".into()]),
            ..change()
        };
        let furnished = Known { tenant: Some(tenant(70)), ..known() };
        let known = after(&acme("acme"), furnished);
        let again = run(&change(), &known).unwrap();
        assert_eq!(again.groups, ["system:tenant:acme:group:editors"]);
        assert!(!again.is_change());
        assert_eq!(run(&acme("other"), &known).unwrap_err().reason, Reason::TenantOther);
        // The tenant was removed and made anew: the user who was in it is nobody's any more.
        let reborn =
            run(&acme("acme"), &Known { tenant: Some(tenant(71)), home: Some(71), ..known.clone() }).unwrap();
        assert_eq!((reborn.user.id, reborn.user.tenant.unwrap().tenant_id), (FRESH.user_id, 71));
        assert_eq!(reborn.user.revision, 2);
        let removed = run(&change(), &Known { tenant: None, home: None, ..known }).unwrap();
        assert_eq!(removed.user.tenant, None);
    }

    #[test]
    fn who_is_ephemeral_stays_so_until_there_is_room() {
        let ephemeral = Change { standing: Standing::Ephemeral, ..change() };
        let later = Some(now().plus(EPHEMERAL_SECONDS));
        let known_ephemeral = after(&ephemeral, known());
        assert_eq!(known_ephemeral.user.as_ref().unwrap().expires_at, later);
        assert_eq!(run(&change(), &known_ephemeral).unwrap().user.expires_at, None);
        let crowded = register(&change(), &known_ephemeral, FRESH, now(), true).unwrap();
        assert_eq!(crowded.user.expires_at, later);
        let permanent = after(&change(), known());
        assert_eq!(run(&ephemeral, &permanent).unwrap().user.expires_at, None);
        // Past the time nothing of the user is left, though the item may still be there.
        let past = register(
            &change(),
            &known_ephemeral,
            Fresh { user_id: 8, ..FRESH },
            now().plus(EPHEMERAL_SECONDS),
            false,
        );
        assert_eq!(past.unwrap().user.id, 8);
    }
}
