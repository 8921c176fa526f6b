//! Creating or changing an external user, as the owner's backend asks for it.
//!
//! A pure function from the current state and the change to the writes, or to one error. It reaches no table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Reason, Result};
use crate::reach::Reach;
use crate::viewer::attribute::{AttributeDefinition, Definitions};
use crate::viewer::external_user::{EPHEMERAL_SECONDS, ExternalId, ExternalUser, Membership, day_of};
use crate::viewer::tenant::{TenantGroup, TenantName, TenantWithGroups, require_groups};

/// A change of a user. Fields that are left out stay as they are.
#[derive(Debug, Clone)]
pub struct UserChange {
    pub external_id: ExternalId,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub picture: Option<String>,
    /// Null removes a value.
    pub attributes: Vec<(String, Value)>,
    /// All groups of the whole stack that the user is to have, by name.
    pub groups: Option<Vec<String>>,
    pub tenant: Option<TenantChange>,
    pub tenant_groups: GroupChange,
    pub seat: SeatPolicy,
    pub identity: IdentityScope,
}

impl UserChange {
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
            seat: SeatPolicy::Permanent,
            identity: IdentityScope::Stored,
        }
    }

    /// The change as a caller of this reach may make it. Users, tenants and definitions belong to the whole stack:
    /// a caller who is limited to deployments describes the user of one session, and changes no tenant.
    pub fn within(self, reach: &Reach) -> Result<Self> {
        if reach.is_stack() {
            return Ok(self);
        }
        if self.tenant.is_some() || self.tenant_groups != GroupChange::Keep {
            reach.require_stack()?;
        }
        Ok(Self { identity: IdentityScope::Session, ..self })
    }
}

/// The place that the stated email address, profile, attributes and groups are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityScope {
    /// The stored user, and so every later session.
    Stored,
    /// The session alone. A new user is stored without them.
    Session,
}

/// The tenant of the user, which is created if it does not exist, and the definitions to put into it.
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

/// The rule for the user's seat under the limit of external users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatPolicy {
    Permanent,
    /// No seat: removed a week after the last session. A permanent user stays permanent.
    Ephemeral,
    /// No change of an existing user; permanent if new.
    AsIs,
}

/// The stored state that the result of a change depends on.
#[derive(Debug, Clone)]
pub struct CurrentState {
    pub user: Option<ExternalUser>,
    /// Attributes of the whole stack.
    pub attributes: Vec<AttributeDefinition>,
    /// Groups of the whole stack.
    pub groups: BTreeSet<String>,
    /// The tenant that the change names, or else the user's own.
    pub tenant: Option<TenantWithGroups>,
    /// The id of the tenant that now has the name of the user's own.
    pub own_tenant_id: Option<u64>,
}

/// Random ids for a new user and a new tenant.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    pub user_id: u64,
    pub tenant_id: u64,
}

/// The planned writes.
#[derive(Debug, Clone)]
pub struct UserUpsert {
    /// The stored user, which is to be replaced.
    pub before: Option<ExternalUser>,
    pub user: ExternalUser,
    pub tenant: Option<TenantWrite>,
    /// The attributes that are in force for the user's session, with the definitions' defaults.
    pub attributes: BTreeMap<String, Value>,
    /// All groups of the session that exist, those of the tenant by their qualified names.
    pub groups: Vec<String>,
}

impl UserUpsert {
    /// Returns whether there is anything to write.
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
    /// The new name; none if it does not change.
    pub display_name: Option<String>,
    /// New or changed groups.
    pub groups: Vec<TenantGroup>,
    /// New or changed attributes.
    pub attributes: Vec<AttributeDefinition>,
}

impl TenantWrite {
    pub fn is_change(&self) -> bool {
        self.display_name.is_some() || !self.groups.is_empty() || !self.attributes.is_empty()
    }
}

/// Plans the writes of a change. `is_full`: there is no seat for another permanent user.
pub fn plan_upsert(
    change: &UserChange,
    known: &CurrentState,
    ids: NewIds,
    now: Timestamp,
    is_full: bool,
) -> Result<UserUpsert> {
    let present =
        known.user.as_ref().filter(|user| !user.is_expired(now) && is_tenant_unchanged(user, known));
    let mut user =
        present.cloned().unwrap_or_else(|| ExternalUser::new(change.external_id.clone(), ids.user_id, now));
    let tenant = tenant_write(change, known, ids)?;
    join_tenant(&mut user, change, known, tenant.as_ref())?;
    user.expires_at = expiry(change.seat, present, now, is_full);
    user.ephemeral_day = ephemeral_day(user.expires_at, present);
    let unchanged = user.clone();

    for (field, said) in [
        (&mut user.email, &change.email),
        (&mut user.display_name, &change.display_name),
        (&mut user.picture, &change.picture),
    ] {
        if said.is_some() {
            field.clone_from(said);
        }
    }
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
    let attributes = definitions.effective(&user.attributes);
    let groups = groups_of(&user, known, tenant.as_ref());
    if change.identity == IdentityScope::Session {
        user = unchanged;
    }
    if known.user.as_ref() != Some(&user) {
        user.revision = known.user.as_ref().map_or(0, |before| before.revision) + 1;
    }
    Ok(UserUpsert { attributes, groups, before: known.user.clone(), user, tenant })
}

/// Returns whether the user's tenant still exists, and not another one of its name.
fn is_tenant_unchanged(user: &ExternalUser, known: &CurrentState) -> bool {
    user.tenant.as_ref().is_none_or(|membership| known.own_tenant_id == Some(membership.tenant_id))
}

fn tenant_write(change: &UserChange, known: &CurrentState, ids: NewIds) -> Result<Option<TenantWrite>> {
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
        // A definition without a description keeps the stored one.
        present.is_none_or(|one| group.description.is_some() && one.description != group.description)
    };
    Ok(Some(TenantWrite {
        name: said.name.clone(),
        id: there.map_or(ids.tenant_id, |there| there.tenant.id),
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
    change: &UserChange,
    known: &CurrentState,
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

fn has_group(known: &CurrentState, tenant: Option<&TenantWrite>, name: &str) -> bool {
    let there = known.tenant.iter().flat_map(|there| &there.groups);
    there.chain(tenant.iter().flat_map(|tenant| &tenant.groups)).any(|group| group.name == name)
}

fn expiry(
    seat: SeatPolicy,
    present: Option<&ExternalUser>,
    now: Timestamp,
    is_full: bool,
) -> Option<Timestamp> {
    let later = Some(now.plus(EPHEMERAL_SECONDS));
    match (seat, present) {
        (SeatPolicy::Ephemeral, None) => later,
        (SeatPolicy::Permanent | SeatPolicy::AsIs, None) => None,
        (SeatPolicy::AsIs, Some(user)) => user.expires_at,
        (_, Some(user)) if !user.is_ephemeral() => None,
        (SeatPolicy::Ephemeral, Some(_)) => later,
        // An existing user is never refused, and becomes permanent when a seat is free.
        (SeatPolicy::Permanent, Some(_)) => later.filter(|_| is_full),
    }
}

fn ephemeral_day(expires_at: Option<Timestamp>, present: Option<&ExternalUser>) -> Option<u64> {
    // A user from before ephemeral ones were counted stays uncounted.
    let is_counted = present.is_none_or(|user| user.ephemeral_day.is_some());
    expires_at.filter(|_| is_counted).map(day_of)
}

fn definitions(known: &CurrentState, tenant: Option<&TenantWrite>) -> Definitions {
    let own = known.tenant.iter().flat_map(|there| &there.attributes);
    let new = tenant.iter().flat_map(|tenant| &tenant.attributes);
    Definitions::of(known.attributes.iter().chain(own).chain(new))
}

fn groups_of(user: &ExternalUser, known: &CurrentState, tenant: Option<&TenantWrite>) -> Vec<String> {
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
    const NEW_IDS: NewIds = NewIds { user_id: 7, tenant_id: 70 };

    fn now() -> Timestamp {
        Timestamp::from_unix(NOW)
    }

    fn change() -> UserChange {
        UserChange::to("User@X".parse().unwrap())
    }

    fn definition(name: &str, kind: &str) -> AttributeDefinition {
        serde_json::from_value(json!({"name": name, "type": kind})).unwrap()
    }

    fn known() -> CurrentState {
        CurrentState {
            user: None,
            attributes: vec![definition("city", "string"), definition("level", "number")],
            groups: ["a", "b"].map(str::to_owned).into(),
            tenant: None,
            own_tenant_id: None,
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

    fn run(change: &UserChange, known: &CurrentState) -> Result<UserUpsert> {
        plan_upsert(change, known, NEW_IDS, now(), false)
    }

    /// The state after a change has been written.
    fn after(change: &UserChange, known: CurrentState) -> CurrentState {
        let upsert = run(change, &known).unwrap();
        let own_tenant_id = upsert.user.tenant.as_ref().map(|membership| membership.tenant_id);
        CurrentState { user: Some(upsert.user), own_tenant_id, ..known }
    }

    #[test]
    fn fields_left_out_stay_and_given_ones_replace() {
        let first = UserChange {
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
        let second = UserChange {
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
    fn undefined_attributes_and_groups_are_refused() {
        let reason = |change: UserChange| run(&change, &known()).map(|_| ()).map_err(|error| error.reason);
        let of_tenant = |attributes, groups| {
            Some(TenantChange { attributes, groups, ..TenantChange::to("acme".parse().unwrap()) })
        };
        assert_eq!(
            reason(UserChange { attributes: vec![("none".into(), json!(1))], ..change() }),
            Err(Reason::AttributeUnknown)
        );
        assert_eq!(
            reason(UserChange { groups: Some(vec!["a".into(), "c".into()]), ..change() }),
            Err(Reason::GroupUnknown)
        );
        assert_eq!(
            reason(UserChange {
                tenant: of_tenant(vec![], vec![]),
                tenant_groups: GroupChange::Replace(vec!["editors".into()]),
                ..change()
            }),
            Err(Reason::GroupUnknown)
        );
        // A tenant's attribute may not have another type than the stack's.
        assert_eq!(
            reason(UserChange { tenant: of_tenant(vec![definition("city", "number")], vec![]), ..change() }),
            Err(Reason::AttributeTypeChanged)
        );
        assert_eq!(
            reason(UserChange {
                tenant: of_tenant(vec![definition("shop", "number")], vec![]),
                attributes: vec![("shop".into(), json!(4))],
                ..change()
            }),
            Ok(())
        );
    }

    #[test]
    fn a_user_is_in_one_tenant() {
        let acme = |name: &str| UserChange {
            tenant: Some(TenantChange::to(name.parse().unwrap())),
            tenant_groups: GroupChange::Replace(vec!["editors".into()]),
            ..change()
        };
        let with_acme = CurrentState { tenant: Some(tenant(70)), ..known() };
        let known = after(&acme("acme"), with_acme);
        let again = run(&change(), &known).unwrap();
        assert_eq!(again.groups, ["system:tenant:acme:group:editors"]);
        assert!(!again.is_change());
        assert_eq!(run(&acme("other"), &known).unwrap_err().reason, Reason::TenantOther);
        // The tenant was removed and created again: its former user is not in it.
        let reborn = run(
            &acme("acme"),
            &CurrentState { tenant: Some(tenant(71)), own_tenant_id: Some(71), ..known.clone() },
        )
        .unwrap();
        assert_eq!((reborn.user.id, reborn.user.tenant.unwrap().tenant_id), (NEW_IDS.user_id, 71));
        assert_eq!(reborn.user.revision, 2);
        let removed = run(&change(), &CurrentState { tenant: None, own_tenant_id: None, ..known }).unwrap();
        assert_eq!(removed.user.tenant, None);
    }

    /// A caller who is limited to a deployment describes a session: the stored user is never changed.
    #[test]
    fn identity_from_one_deployment_stays_in_its_session() {
        let scoped = Reach::of([crate::resource::ids::Deployment::FIRST]);
        let stated = |city: &str, group: &str| UserChange {
            email: Some(format!("{city}@x")),
            display_name: Some(city.to_owned()),
            picture: Some(format!("https://{city}.example/")),
            attributes: vec![("city".into(), json!(city))],
            groups: Some(vec![group.into()]),
            ..change()
        };
        for known in [known(), after(&stated("Berlin", "a"), known())] {
            let upsert = run(&stated("Paris", "b").within(&scoped).unwrap(), &known).unwrap();
            assert_eq!(json!(upsert.attributes), json!({"city": "Paris"}));
            assert_eq!(upsert.groups, ["b"]);
            match &known.user {
                Some(stored) => {
                    assert_eq!(&upsert.user, stored);
                    assert!(!upsert.is_change());
                }
                None => {
                    let blank = ExternalUser::new(change().external_id, NEW_IDS.user_id, now());
                    assert_eq!(upsert.user, ExternalUser { revision: 1, ..blank });
                }
            }
            // The next session has what is stored, and nothing of what was stated.
            let next =
                run(&change().within(&scoped).unwrap(), &CurrentState { user: Some(upsert.user), ..known })
                    .unwrap();
            assert!(
                !json!(next.attributes).to_string().contains("Paris") && !next.groups.contains(&"b".into())
            );
        }
        let whole = run(&stated("Paris", "b").within(&Reach::stack()).unwrap(), &known()).unwrap();
        assert_eq!(whole.user.attributes["city"], "Paris");
    }

    /// Changes of tenants, and whether a caller who is limited to a deployment may make them.
    #[test]
    fn only_a_caller_of_the_whole_stack_changes_tenants() {
        let scoped = Reach::of([crate::resource::ids::Deployment::FIRST]);
        let to_acme = || Some(TenantChange::to("acme".parse().unwrap()));
        for (change, may) in [
            (change(), true),
            (UserChange { seat: SeatPolicy::Ephemeral, ..change() }, true),
            (UserChange { tenant: to_acme(), ..change() }, false),
            (UserChange { tenant_groups: GroupChange::Join("editors".into()), ..change() }, false),
            (UserChange { tenant_groups: GroupChange::Replace(Vec::new()), ..change() }, false),
        ] {
            let limited = change.clone().within(&scoped).map(drop).map_err(|error| error.reason);
            assert_eq!(limited, if may { Ok(()) } else { Err(Reason::AccessDenied) }, "{change:?}");
            assert!(change.within(&Reach::stack()).is_ok());
        }
    }

    /// An ephemeral user is counted under the day of the expiry, unless they are older than the count.
    #[test]
    fn an_ephemeral_user_is_counted_under_one_day() {
        let ephemeral = UserChange { seat: SeatPolicy::Ephemeral, ..change() };
        let first = after(&ephemeral, known());
        let day = |user: &ExternalUser| user.ephemeral_day;
        let week = now().plus(EPHEMERAL_SECONDS);
        assert_eq!(first.user.as_ref().and_then(day), Some(day_of(week)));
        let tomorrow = now().plus(86_400);
        let again = plan_upsert(&ephemeral, &first, NEW_IDS, tomorrow, false).unwrap();
        assert_eq!(day(&again.user), Some(day_of(week) + 1));
        assert_eq!(day(&run(&change(), &first).unwrap().user), None, "permanent");
        let mut old = first;
        old.user.as_mut().unwrap().ephemeral_day = None;
        assert_eq!(day(&plan_upsert(&ephemeral, &old, NEW_IDS, tomorrow, false).unwrap().user), None);
        assert_eq!(day(&run(&change(), &known()).unwrap().user), None, "never ephemeral");
    }

    #[test]
    fn an_ephemeral_user_becomes_permanent_when_a_seat_is_free() {
        let ephemeral = UserChange { seat: SeatPolicy::Ephemeral, ..change() };
        let later = Some(now().plus(EPHEMERAL_SECONDS));
        let known_ephemeral = after(&ephemeral, known());
        assert_eq!(known_ephemeral.user.as_ref().unwrap().expires_at, later);
        assert_eq!(run(&change(), &known_ephemeral).unwrap().user.expires_at, None);
        let without_seat = plan_upsert(&change(), &known_ephemeral, NEW_IDS, now(), true).unwrap();
        assert_eq!(without_seat.user.expires_at, later);
        let permanent = after(&change(), known());
        assert_eq!(run(&ephemeral, &permanent).unwrap().user.expires_at, None);
        // An expired user counts as absent, though the item may still be stored.
        let past = plan_upsert(
            &change(),
            &known_ephemeral,
            NewIds { user_id: 8, ..NEW_IDS },
            now().plus(EPHEMERAL_SECONDS),
            false,
        );
        assert_eq!(past.unwrap().user.id, 8);
    }
}
