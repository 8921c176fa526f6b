//! The fields of `generate-session`. Null means the same as leaving a field out.

use std::collections::BTreeMap;

use deserr::Deserr;
use serde_json::{Map, Value};
use vitrine::app::create_session::SessionUser;
use vitrine::dialects::cube::attributes::UserAttributeDefinition;
use vitrine::dialects::cube::users::{GroupDefinition, UserProfile, email_problem};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid, Wrong};
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::viewer::external_user::ExternalId;
use vitrine::rules::viewer::tenant::{TenantName, group_list_problems};
use vitrine::rules::viewer::upsert_user::{GroupChange, SeatPolicy, TenantChange, UserChange};

/// Names of the production branch, the only one there is.
const BRANCHES: [&str; 3] = ["main", "master", "production"];

/// The rule of the two ids, after the name of the first.
const ONE_ID: &str = "or internalId is required, and not both";

/// The largest numbers that fit into one transaction.
const MAX_TENANT_GROUPS: usize = 30;
const MAX_DEFINITIONS: usize = 30;
const MAX_GROUPS: usize = 100;

/// Unknown fields are ignored on the way in and named in the log: clients may be newer. The fields that older
/// clients send are known.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase", example = json!({"deploymentId": 1, "externalId": "user-1"})))]
pub struct GenerateSession {
    /// One of the stack's deployments. May be left out where your key reaches only one.
    #[deserr(default)]
    pub deployment_id: Option<Deployment>,
    /// Your backend's id of the viewer; trimmed and lowercased. Either this or `internalId`.
    #[deserr(default, try_from(Option<String>) = parse_optional::<ExternalId> -> Wrong)]
    external_id: Option<ExternalId>,
    /// The username or the email address of a service account.
    #[deserr(default)]
    internal_id: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::EmailAddress>))]
    email: Option<String>,
    #[deserr(default)]
    user_profile: Option<UserProfile>,
    /// Values of defined attributes. They are stored with the user; null removes one.
    #[deserr(default)]
    user_attributes: Option<Vec<UserAttribute>>,
    /// All groups of the whole stack that the user is to have. Left out, the user keeps theirs.
    #[deserr(default, from(Option<AtMost<String, MAX_GROUPS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    groups: Option<Vec<String>>,
    /// The user's tenant, which is created if it does not exist.
    #[deserr(default, try_from(Option<String>) = parse_optional::<TenantName> -> Wrong)]
    embed_tenant_name: Option<TenantName>,
    #[deserr(default)]
    embed_tenant_profile: Option<TenantProfile>,
    /// All groups of the tenant that the user is to have.
    #[deserr(default, from(Option<AtMost<String, MAX_TENANT_GROUPS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 30))]
    tenant_groups: Option<Vec<String>>,
    /// Groups to define in the tenant.
    #[deserr(default, from(Option<AtMost<GroupDefinition, MAX_TENANT_GROUPS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 30))]
    tenant_group_definitions: Option<Vec<GroupDefinition>>,
    /// Attributes to define in the tenant.
    #[deserr(default, from(Option<AtMost<UserAttributeDefinition, MAX_DEFINITIONS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 30))]
    user_attribute_definitions: Option<Vec<UserAttributeDefinition>>,
    #[deserr(default)]
    pub creator_mode: Option<bool>,
    /// Data about the viewer for your own services. It is never sent to a browser.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    security_context: Option<Value>,
    #[deserr(default)]
    settings: Option<SessionSettings>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    embed_theme: Option<Value>,
    /// The production branch, if any.
    #[deserr(default)]
    branch_name: Option<String>,
    /// Does not count towards the limit of external users, and is removed a week after the last session.
    #[deserr(default)]
    is_ephemeral: Option<bool>,
    /// The one dashboard that the session opens.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::PublicId>))]
    pub public_dashboard_id: Option<String>,
    /// Without effect here.
    #[deserr(default)]
    roles: Option<Vec<String>>,
    /// Without effect, as with Cube.
    #[deserr(default)]
    group_definitions: Option<Vec<Value>>,
    /// Sent by older clients; without effect, like the next two.
    #[deserr(default)]
    #[expect(dead_code, reason = "accepted, and of no use")]
    tenant_id: Option<Value>,
    #[deserr(default)]
    #[expect(dead_code, reason = "accepted, and of no use")]
    tenant_name: Option<String>,
    #[deserr(default)]
    #[expect(dead_code, reason = "accepted, and of no use")]
    ephemeral_ttl_seconds: Option<f64>,
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserAttribute {
    name: String,
    /// A string, a number, true or false, or a list of strings or of numbers.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::resource::parameter::AnyValue, required = false))]
    value: Option<Value>,
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct TenantProfile {
    #[deserr(default)]
    display_name: Option<String>,
}

/// Settings of the page. Most of Cube's switches are about features that are not offered here: they are stored and
/// passed to the page, and change nothing.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct SessionSettings {
    #[deserr(default)]
    allow_ai: Option<bool>,
    #[deserr(default)]
    show_dashboard_chat: Option<bool>,
    #[deserr(default)]
    show_workbook_chat: Option<bool>,
    #[deserr(default)]
    show_ai_widgets: Option<bool>,
    #[deserr(default)]
    allow_chat_workspace_authoring: Option<bool>,
    #[deserr(default)]
    show_workbook_share: Option<bool>,
    #[deserr(default)]
    show_dashboard_settings: Option<bool>,
    #[deserr(default)]
    show_member_names: Option<bool>,
    #[deserr(default)]
    show_group_by_cube: Option<bool>,
    /// The page's language. English if it is not available.
    #[deserr(default)]
    locale: Option<String>,
    #[deserr(default)]
    timezone: Option<String>,
    /// `light`, `dark` or `auto`.
    #[deserr(default)]
    theme: Option<String>,
    /// `false` keeps files from the viewer that the dashboard would allow.
    #[deserr(default)]
    allow_export: Option<bool>,
}

fn parse_optional<T: std::str::FromStr<Err = Wrong>>(
    text: Option<String>,
) -> std::result::Result<Option<T>, Wrong> {
    text.map(|text| text.parse()).transpose()
}

impl GenerateSession {
    /// The user of the session. `internalId` names a service account.
    pub fn user(&self) -> Result<SessionUser> {
        match (&self.external_id, &self.internal_id) {
            (Some(external_id), None) => {
                Ok(SessionUser::External(Box::new(self.change(external_id.clone())?)))
            }
            (None, Some(name)) => {
                let name = name.trim().parse().map_err(|_| Error::from(Reason::AccountNotFound))?;
                Ok(SessionUser::Account(name))
            }
            _ => Err(Error::invalid("externalId", ONE_ID)),
        }
    }

    pub fn names_another_branch(&self) -> bool {
        self.branch_name.as_ref().is_some_and(|name| !BRANCHES.contains(&name.as_str()))
    }

    pub fn security_context(&self) -> Option<Map<String, Value>> {
        self.security_context.as_ref().and_then(Value::as_object).cloned()
    }

    pub fn theme(&self) -> Option<Map<String, Value>> {
        self.embed_theme.as_ref().and_then(Value::as_object).cloned()
    }

    /// The given settings of the page.
    pub fn settings(&self) -> Map<String, Value> {
        let Some(said) = &self.settings else { return Map::new() };
        let switches = said.switches().into_iter();
        let switches = switches.filter_map(|(name, on)| Some((name, Value::from(on?))));
        let words =
            [("locale", &said.locale), ("timezone", &said.timezone), ("theme", &said.theme)].into_iter();
        let words = words.filter_map(|(name, word)| Some((name, Value::from(word.clone()?))));
        switches.chain(words).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn change(&self, external_id: ExternalId) -> Result<UserChange> {
        let mut attributes: BTreeMap<&String, &Option<Value>> = BTreeMap::new();
        for attribute in self.user_attributes.iter().flatten() {
            if attributes.insert(&attribute.name, &attribute.value).is_some() {
                let message = format!("Duplicate user attribute: {}", attribute.name);
                return Err(Error::new(Reason::AttributeTwice).message(message));
            }
        }
        let profile = self.user_profile.clone().unwrap_or_default();
        let definitions = self.tenant_group_definitions.clone().unwrap_or_default();
        let attribute_definitions = self.user_attribute_definitions.clone().unwrap_or_default();
        let tenant = self.embed_tenant_name.clone().map(|name| TenantChange {
            name,
            display_name: self.embed_tenant_profile.as_ref().and_then(|profile| profile.display_name.clone()),
            groups: definitions.into_iter().map(Into::into).collect(),
            attributes: attribute_definitions.into_iter().map(Into::into).collect(),
        });
        Ok(UserChange {
            email: self.email.as_deref().map(|email| email.trim().to_owned()),
            display_name: profile.display_name,
            picture: profile.picture,
            attributes: attributes
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
                .collect(),
            groups: self.groups.clone(),
            tenant,
            tenant_groups: self.tenant_groups.clone().map_or(GroupChange::Keep, GroupChange::Replace),
            seat: if self.is_ephemeral == Some(true) { SeatPolicy::Ephemeral } else { SeatPolicy::Permanent },
            ..UserChange::to(external_id)
        })
    }

    /// Fields that are not allowed with `internalId`.
    fn only_with_external_id(&self) -> Vec<Issue> {
        let given = [
            ("email", self.email.is_some()),
            ("userProfile", self.user_profile.is_some()),
            ("userAttributes", self.user_attributes.is_some()),
            ("userAttributeDefinitions", self.user_attribute_definitions.is_some()),
            ("groups", self.groups.is_some()),
            ("groupDefinitions", self.group_definitions.is_some()),
            ("tenantGroups", self.tenant_groups.is_some()),
            ("tenantGroupDefinitions", self.tenant_group_definitions.is_some()),
            ("securityContext", self.security_context.is_some()),
            ("roles", self.roles.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(field, _)| Issue::new(field, "is not allowed with internalId")).collect()
    }

    /// Fields that are allowed only in creator mode.
    fn only_in_creator_mode(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (field, is_given) in [
            ("tenantGroups", self.tenant_groups.is_some()),
            ("tenantGroupDefinitions", self.tenant_group_definitions.is_some()),
            ("userAttributeDefinitions", self.user_attribute_definitions.is_some()),
        ] {
            if is_given && (self.creator_mode != Some(true) || self.embed_tenant_name.is_none()) {
                issues.push(Issue::new(field, "requires creatorMode: true and embedTenantName"));
            }
        }
        if self.embed_tenant_profile.is_some() && self.embed_tenant_name.is_none() {
            issues.push(Issue::new("embedTenantProfile", "requires embedTenantName"));
        }
        issues
    }

    fn definition_problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        let definitions = self.user_attribute_definitions.as_deref().unwrap_or_default();
        if definitions.len() > MAX_DEFINITIONS {
            issues.push(Issue::new(
                "userAttributeDefinitions",
                format!("must be at most {MAX_DEFINITIONS} items"),
            ));
        }
        for (index, definition) in definitions.iter().enumerate() {
            let path = format!("userAttributeDefinitions[{index}]");
            issues.extend(definition.problems_under(&format!("{path}.")));
            if definitions[..index].iter().any(|earlier| earlier.name == definition.name) {
                issues.push(Issue::new(format!("{path}.name"), "is defined twice"));
            }
        }
        let groups = self.tenant_group_definitions.as_deref().unwrap_or_default();
        if groups.len() > MAX_TENANT_GROUPS {
            issues.push(Issue::new(
                "tenantGroupDefinitions",
                format!("must be at most {MAX_TENANT_GROUPS} items"),
            ));
        }
        for (index, group) in groups.iter().enumerate() {
            let path = format!("tenantGroupDefinitions[{index}]");
            issues.extend(group.problems_under(&format!("{path}.")));
            if groups[..index].iter().any(|earlier| earlier.is_named_like(group)) {
                issues.push(Issue::new(format!("{path}.name"), "is defined twice"));
            }
        }
        issues
    }
}

impl SessionSettings {
    const fn switches(&self) -> [(&'static str, Option<bool>); 10] {
        [
            ("allowExport", self.allow_export),
            ("allowAi", self.allow_ai),
            ("showDashboardChat", self.show_dashboard_chat),
            ("showWorkbookChat", self.show_workbook_chat),
            ("showAiWidgets", self.show_ai_widgets),
            ("allowChatWorkspaceAuthoring", self.allow_chat_workspace_authoring),
            ("showWorkbookShare", self.show_workbook_share),
            ("showDashboardSettings", self.show_dashboard_settings),
            ("showMemberNames", self.show_member_names),
            ("showGroupByCube", self.show_group_by_cube),
        ]
    }
}

impl Check for GenerateSession {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.external_id.is_some() == self.internal_id.is_some() {
            issues.push(Issue::new("externalId", ONE_ID));
        } else if self.internal_id.is_some() {
            issues.extend(self.only_with_external_id());
        }
        issues.extend(self.only_in_creator_mode());
        issues.extend(self.email.as_deref().and_then(email_problem).map(|wrong| Issue::new("email", wrong)));
        issues.extend(self.user_profile.iter().flat_map(|profile| profile.problems_under("userProfile.")));
        issues.extend(group_list_problems(self.groups.as_deref().unwrap_or_default(), "groups", MAX_GROUPS));
        let tenant_groups = self.tenant_groups.as_deref().unwrap_or_default();
        issues.extend(group_list_problems(tenant_groups, "tenantGroups", MAX_TENANT_GROUPS));
        issues.extend(self.definition_problems());
        for (field, value) in [("securityContext", &self.security_context), ("embedTheme", &self.embed_theme)]
        {
            if value.as_ref().is_some_and(|value| !value.is_object()) {
                issues.push(Issue::new(field, "must be an object"));
            }
        }
        if self.security_context().is_some_and(|context| context.contains_key("cubeCloud")) {
            issues.push(Issue::new("securityContext.cubeCloud", "is reserved"));
        }
        issues
    }
}
