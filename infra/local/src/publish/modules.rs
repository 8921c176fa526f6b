//! The modules that a dive may import, with the names that the page's own files export.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_span::SourceType;
use oxc_syntax::module_record::ExportExportName;
use serve_embed::dive_modules;

pub const HOOKS: [&str; 2] = ["useSQLQuery", "useDiveState"];
const ELEMENTS: [&str; 3] = ["jsx", "jsxs", "Fragment"];
const DOM: [&str; 2] = ["createPortal", "flushSync"];

/// The names in the file of React that are none of React's.
const OTHERS: [&str; 7] = [HOOKS[0], HOOKS[1], ELEMENTS[0], ELEMENTS[1], DOM[0], DOM[1], "mount"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Module {
    React,
    Elements,
    Dom,
    Charts,
    Hooks,
}

/// MotherDuck's name of the module of the hooks, and ours.
const MODULES: [(&str, Module); 6] = [
    ("react", Module::React),
    ("react/jsx-runtime", Module::Elements),
    ("react-dom", Module::Dom),
    ("recharts", Module::Charts),
    ("@motherduck/react-sql-query", Module::Hooks),
    ("vitrine-embed/dive", Module::Hooks),
];

impl Module {
    pub fn named(name: &str) -> Option<Self> {
        MODULES.iter().find(|(known, _)| *known == name).map(|(_, module)| *module)
    }

    /// Returns what it exports; `default` is among it if there is one.
    pub fn names(self) -> BTreeSet<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self {
            Self::React => {
                let mut names = exports(dive_modules::REACT);
                names.retain(|name| !OTHERS.contains(&name.as_str()));
                names
            }
            Self::Charts => exports(dive_modules::RECHARTS),
            Self::Elements => owned(&ELEMENTS),
            Self::Dom => owned(&DOM),
            Self::Hooks => owned(&HOOKS),
        }
    }

    /// Returns the problem of a name that the module does not export. `module` is how the file names the module.
    pub fn problem(self, module: &str, name: &str) -> Option<String> {
        let names = self.names();
        if names.contains(name) {
            return None;
        }
        let mut text = if name == "default" {
            format!("the module \"{module}\" has no default export: import by name")
        } else {
            format!("the module \"{module}\" has no `{name}` here")
        };
        if self == Self::Hooks && name != "default" {
            let _ = write!(text, ": it has {}", HOOKS.join(" and "));
        } else if let Some(near) = nearest(name, &names) {
            let _ = write!(text, ": is `{near}` meant?");
        }
        Some(text)
    }
}

/// Returns the problem of a module that a dive does not have.
pub fn unknown_module(name: &str) -> String {
    let modules: Vec<_> = MODULES.iter().map(|(known, _)| *known).collect();
    format!(
        "the module \"{name}\" is not there: a dive may import {}; bundle other modules into the file",
        modules.join(", ")
    )
}

/// The names that a built file exports.
fn exports(code: &str) -> BTreeSet<String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, code, SourceType::mjs()).parse();
    let record = &parsed.module_record;
    let entries = record.local_export_entries.iter().chain(&record.indirect_export_entries);
    entries
        .filter_map(|entry| match &entry.export_name {
            ExportExportName::Name(name) => Some(name.name.to_string()),
            ExportExportName::Default(_) => Some("default".to_owned()),
            ExportExportName::Null => None,
        })
        .collect()
}

/// The name that is most like another one, if any is.
fn nearest<'n>(name: &str, names: &'n BTreeSet<String>) -> Option<&'n str> {
    let likeness = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let rated = names.iter().filter(|known| *known != "default").map(|known| (likeness(known), known));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, known)| known.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_pages_own_files() {
        for (module, count, has, lacks) in [
            (
                Module::React,
                35..60,
                &[
                    "default",
                    "useState",
                    "useMemo",
                    "useSyncExternalStore",
                    "Fragment",
                    "version",
                    "Suspense",
                ][..],
                &["jsx", "mount", "useSQLQuery", "createPortal", "render"][..],
            ),
            (
                Module::Charts,
                90..200,
                &[
                    "BarChart",
                    "Sankey",
                    "Treemap",
                    "RadialBarChart",
                    "FunnelChart",
                    "ResponsiveContainer",
                    "Brush",
                ][..],
                &["default", "useState", "NoSuchChart"][..],
            ),
            (Module::Elements, 3..4, &["jsx", "jsxs", "Fragment"][..], &["default"][..]),
            (Module::Dom, 2..3, &["createPortal", "flushSync"][..], &["default", "render"][..]),
            (Module::Hooks, 2..3, &HOOKS[..], &["useExport"][..]),
        ] {
            let names = module.names();
            assert!(count.contains(&names.len()), "{module:?}: {names:?}");
            assert!(has.iter().all(|name| names.contains(*name)), "{module:?}: {names:?}");
            assert!(lacks.iter().all(|name| !names.contains(*name)), "{module:?}: {names:?}");
        }
        let file = exports(dive_modules::REACT);
        for name in OTHERS.iter().chain(&ELEMENTS) {
            assert!(file.contains(*name), "{name} is in the file that serves its module");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        for (module, name, expected) in [
            (Module::Charts, "Barchart", Some("is `BarChart` meant?")),
            (Module::Charts, "ResponsiveContainr", Some("is `ResponsiveContainer` meant?")),
            (Module::Charts, "default", Some("has no default export: import by name")),
            (Module::Charts, "Qqqqq", Some("has no `Qqqqq` here")),
            (Module::React, "useStat", Some("is `useState` meant?")),
            (Module::React, "useSQLQuery", Some("has no `useSQLQuery` here")),
            (Module::Hooks, "useExport", Some("it has useSQLQuery and useDiveState")),
            (Module::Hooks, "default", Some("has no default export")),
            (Module::Charts, "BarChart", None),
            (Module::React, "default", None),
        ] {
            let problem = module.problem("m", name);
            match expected {
                Some(end) => assert!(
                    problem.as_deref().is_some_and(|text| text.ends_with(end) || text.contains(end)),
                    "{name}: {problem:?}"
                ),
                None => assert_eq!(problem, None, "{name}"),
            }
        }
        assert!(!Module::Charts.problem("recharts", "Qqqqq").unwrap().contains("meant"));
    }
}
