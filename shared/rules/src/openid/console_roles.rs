//! The permissions that groups of the provider have in the console: `owners=admin,analysts=read@1+2`.

use std::collections::BTreeSet;

use crate::permission::Permission;
use crate::resource::ids::Deployment;
use crate::viewer::role::Role;

/// Groups with their permissions, in the order of the setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleRoles {
    /// The setting as it is written.
    text: String,
    groups: Vec<GroupRole>,
}

/// The permissions of one group, as an access key has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    pub group: String,
    pub role: Role,
    pub permissions: BTreeSet<Permission>,
    /// The deployments that it is limited to; an empty set means all.
    pub deployments: BTreeSet<Deployment>,
}

impl ConsoleRoles {
    /// Parses whatever the template's pattern lets through: a function with a setting that it cannot read does not start.
    pub fn parse(text: &str) -> Option<Self> {
        let mut groups = Vec::new();
        for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
            groups.push(GroupRole::parse(entry)?);
        }
        Some(Self { text: text.to_owned(), groups })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn of_group(&self, group: &str) -> Option<&GroupRole> {
        self.groups.iter().find(|one| one.group == group)
    }

    /// The role of a person in these groups: that of the first group in the setting's order. Roles are not added up,
    /// because two of them may reach different deployments.
    pub fn of_member<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Option<&GroupRole> {
        let groups: BTreeSet<&str> = groups.into_iter().collect();
        self.groups.iter().find(|one| groups.contains(one.group.as_str()))
    }
}

impl GroupRole {
    fn parse(entry: &str) -> Option<Self> {
        // Names of groups may contain `=`, and roles never do. A comma in a name is written as in a URL.
        let (group, granted) = entry.rsplit_once('=')?;
        let group = group.trim_matches(' ').replace("%2C", ",").replace("%2c", ",");
        let (words, deployments) = match granted.trim().split_once('@') {
            Some((words, deployments)) => (words, Some(deployments)),
            None => (granted.trim(), None),
        };
        if group.is_empty() || group.chars().any(char::is_control) {
            return None;
        }
        let deployments = match deployments {
            None => BTreeSet::new(),
            Some(listed) => listed
                .split('+')
                .map(|number| Deployment::new(number.parse().ok()?).ok())
                .collect::<Option<_>>()?,
        };
        let (role, permissions) = match words {
            "admin" => (Role::Admin, BTreeSet::new()),
            _ => (Role::Member, permissions(words)?),
        };
        Some(Self { group, role, permissions, deployments })
    }
}

/// The permissions that words joined by `+` name.
fn permissions(words: &str) -> Option<BTreeSet<Permission>> {
    use Permission::{Introspect, ResourcesList, ResourcesWrite, SessionsCreate};
    let mut named = BTreeSet::new();
    for word in words.split('+') {
        match word {
            "read" => named.extend([ResourcesList]),
            "write" => named.extend([ResourcesList, ResourcesWrite, SessionsCreate]),
            _ => {
                let all = [ResourcesWrite, ResourcesList, SessionsCreate, Introspect];
                named.insert(all.into_iter().find(|permission| permission.word() == word)?);
            }
        }
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting, and for each of its groups the role, the permissions and the deployments.
    #[test]
    fn a_group_has_a_role_or_permissions_and_may_be_limited_to_deployments() {
        use Permission::*;
        type Row<'a> = (&'a str, Role, &'a [Permission], &'a [u32]);
        let cases: [(&str, &[Row<'_>]); 9] = [
            ("", &[]),
            (" ", &[]),
            (",owners=admin,", &[("owners", Role::Admin, &[], &[])]),
            ("owners=admin", &[("owners", Role::Admin, &[], &[])]),
            (
                "owners=admin, analysts=read",
                &[("owners", Role::Admin, &[], &[]), ("analysts", Role::Member, &[ResourcesList], &[])],
            ),
            ("a=write@7", &[("a", Role::Member, &[ResourcesList, ResourcesWrite, SessionsCreate], &[7])]),
            (
                "a b=resources:list+introspect@1+2",
                &[("a b", Role::Member, &[ResourcesList, Introspect], &[1, 2])],
            ),
            ("CN=admins%2CDC=example=admin@1", &[("CN=admins,DC=example", Role::Admin, &[], &[1])]),
            (
                "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77=read",
                &[("0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", Role::Member, &[ResourcesList], &[])],
            ),
        ];
        for (text, rows) in cases {
            let expected: Vec<_> = rows
                .iter()
                .map(|(group, role, permissions, numbers)| GroupRole {
                    group: (*group).to_owned(),
                    role: *role,
                    permissions: permissions.iter().copied().collect(),
                    deployments: numbers.iter().map(|number| Deployment::new(*number).unwrap()).collect(),
                })
                .collect();
            assert_eq!(ConsoleRoles::parse(text).map(|roles| roles.groups), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_setting_that_is_not_understood_is_refused() {
        for text in [
            "owners",
            "=admin",
            "owners=",
            "owners=owner",
            "owners=admin+read",
            "a=read@",
            "a=read@0",
            "a=read@x",
            "a=read@1@2",
            "a=@1",
            "a=read+",
            "a\u{7}=read",
        ] {
            assert_eq!(ConsoleRoles::parse(text), None, "{text}");
        }
    }

    /// The groups of a person, and the group that decides.
    #[test]
    fn the_first_group_of_the_setting_decides() {
        let roles = ConsoleRoles::parse("owners=admin,b=write@2,a=read@1,a=admin").unwrap();
        // An entry that repeats a group has no effect.
        assert_eq!(roles.of_group("a").map(|role| role.role), Some(Role::Member));
        for (groups, decides) in [
            (&[][..], None),
            (&["others", "Owners", "owners ", ""], None),
            (&["a"], Some("a")),
            (&["a", "b"], Some("b")),
            (&["a", "b", "owners"], Some("owners")),
        ] {
            let found = roles.of_member(groups.iter().copied()).map(|role| role.group.as_str());
            assert_eq!(found, decides, "{groups:?}");
        }
    }
}
