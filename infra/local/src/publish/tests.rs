use std::path::Path;

use super::compile::{compile, syntax_of};

const HOOKS: &str = "import { useSQLQuery } from \"@motherduck/react-sql-query\";\n";

fn compiled(file: &str, source: &str) -> (Result<String, Vec<String>>, Vec<String>) {
    let mut texts = Vec::new();
    let name_of = |text: &str| {
        texts.push(text.to_owned());
        Some(format!("sql_{}", texts.len()))
    };
    let result = compile(source, syntax_of(Path::new(file)).unwrap(), &[], name_of);
    let problems = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect();
    (result.map_err(problems), texts)
}

fn problems(source: &str) -> Vec<String> {
    compiled("dive.tsx", source).0.unwrap_err()
}

#[test]
fn a_default_export_of_each_form_is_mounted() {
    for (source, end) in [
        ("export default function Fleet() { return <p/>; }", "mountDive(Fleet);"),
        ("export default function () { return <p/>; }", "mountDive(Dive);"),
        ("export default () => <p/>;", "mountDive(Dive);"),
        ("export default class Fleet {}", "mountDive(Fleet);"),
        ("export default class {}", "mountDive(Dive);"),
        ("function Fleet() {} export default Fleet;", "mountDive(Dive);"),
        ("function Fleet() {} export { Fleet as default };", "mountDive(Fleet);"),
        ("const Dive = 1; export default () => Dive;", "mountDive(Dive_);"),
        ("const mountDive = 1; export default () => mountDive;", "mountDive_(Dive_);"),
    ] {
        let code = compiled("dive.tsx", source).0.unwrap();
        assert!(code.trim_end().ends_with(end), "{source}\n{code}");
        assert!(!code.contains("default"), "{code}");
        let again = compiled("dive.js", &format!("{code}\nexport default 1;")).0;
        let refused = "the module \"vitrine-embed/mount\" is not there";
        assert!(
            again.unwrap_err()[0].contains(refused),
            "a compiled module is valid, and only the page has its mount"
        );
    }
}

#[test]
fn types_and_elements_are_gone() {
    let source = "import type { A } from './types';\nimport { type B, useMemo } from 'react';\nenum Tone { Plain = '#fff' }\n\
        const one = <T,>(value: T): T => value as T;\nexport default function Dive({ a }: { a?: A & B }) { return <><p key={a!}>{one<string>(Tone.Plain)}</p></>; }";
    let code = compiled("dive.tsx", source).0.unwrap();
    assert!(
        code.contains("from \"react/jsx-runtime\"") && code.contains("Tone[\"Plain\"] = \"#fff\""),
        "{code}"
    );
    for gone in ["types", ": T", " as T", "<p", "enum", "a!"] {
        assert!(!code.contains(gone), "{gone}: {code}");
    }
    assert!(
        compiled("dive.jsx", "const n: number = 1; export default () => n;").0.is_err(),
        "a JSX file has no types"
    );
}

#[test]
fn faults_are_told_with_line_and_column() {
    let only = "a dive may import react, react/jsx-runtime, react-dom, recharts, @motherduck/react-sql-query, vitrine-embed/dive; \
        bundle other modules into the file";
    for (source, expected) in [
        (
            "",
            "1:1: a dive has one default export, its component: write `export default function Name() { ... }`",
        ),
        ("type X = 1; export default X;", "1:1: the default export is a type"),
        (
            "export default interface X {}",
            "1:1: a dive has one default export, its component: write `export default function Name() { ... }`",
        ),
        (
            "const a = 1;\nexport default () => <p>\n</b>;",
            "3:3: Expected corresponding JSX closing tag for 'p'.",
        ),
        ("const a = 1; const a = 2; export default 1;", "1:7: Identifier `a` has already been declared"),
        ("\n\n  @dec class A {} export default A;", "3:3: decorators are not there"),
        (
            "/** @jsxImportSource preact */ export default () => <p/>;",
            &format!("1:1: the module \"preact/jsx-runtime\" is not there: {only}"),
        ),
        (
            "export default 1;\nimport { Truck } from \"lucide-react\";",
            &format!("2:23: the module \"lucide-react\" is not there: {only}"),
        ),
        (
            "import \"./style.css\"; export default 1;",
            &format!("1:8: the module \"./style.css\" is not there: {only}"),
        ),
        ("export * from \"x\"; export default 1;", &format!("1:15: the module \"x\" is not there: {only}")),
        (
            "export { y } from \"x\"; export default 1;",
            &format!("1:19: the module \"x\" is not there: {only}"),
        ),
        (
            "import x from \"https://example.com/x.js\"; export default 1;",
            &format!("1:15: the module \"https://example.com/x.js\" is not there: {only}"),
        ),
        (
            "const größe = import('react'); export default 1;",
            "1:15: import() is not there: import by name at the top of the file",
        ),
        (
            "const a = require('react'); export default 1;",
            "1:19: require is not there: import by name at the top of the file",
        ),
        (
            "import a = require('react'); export default 1;",
            "1:1: require is not there: import by name at the top of the file",
        ),
        (
            "import { useSQLQuery, useExport } from 'vitrine-embed/dive'; export default 1;",
            "1:23: the module \"vitrine-embed/dive\" has no `useExport` here: it has useSQLQuery and useDiveState",
        ),
        (
            "import hooks from 'vitrine-embed/dive'; export default 1;",
            "1:8: the module \"vitrine-embed/dive\" has no default export: import by name",
        ),
        (
            "import * as hooks from 'vitrine-embed/dive'; export default 1;",
            "1:8: import the hooks by their names",
        ),
        (
            "import { Bar,\n  BarChar } from 'recharts'; export default 1;",
            "2:3: the module \"recharts\" has no `BarChar` here: is `BarChart` meant?",
        ),
        (
            "import Charts from 'recharts'; export default 1;",
            "1:8: the module \"recharts\" has no default export: import by name",
        ),
        (
            "import React, { useMemmo as memo } from 'react'; export default 1;",
            "1:17: the module \"react\" has no `useMemmo` here: is `useMemo` meant?",
        ),
        (
            "import { useSQLQuery } from 'react'; export default 1;",
            "1:10: the module \"react\" has no `useSQLQuery` here",
        ),
        (
            "import { render } from 'react-dom'; export default 1;",
            "1:10: the module \"react-dom\" has no `render` here",
        ),
        (
            "export { Lin } from 'recharts'; export default 1;",
            "1:10: the module \"recharts\" has no `Lin` here: is `Line` meant?",
        ),
        (
            "import { useSQLQuery } from 'vitrine-embed/dive';\nexport const REQUIRED_DATABASES = [{ alias: 'a' }, { alias: 'b' }];\n\
             export default () => useSQLQuery('select 1 from a.main.t, b.main.t');",
            "3:34: the tables a.main.t and b.main.t would both be t",
        ),
    ] {
        let found = problems(source);
        assert!(found[0].starts_with(expected), "{source}\n{found:?}");
    }
    let several = problems("import a from 'a';\nimport b from 'b';\nexport const c = 1;");
    assert_eq!(several.iter().map(|one| &one[..4]).collect::<Vec<_>>(), ["1:1:", "1:15", "2:15"]);
}

#[test]
fn texts_of_hooks_become_names_and_lose_their_databases() {
    let source = format!(
        "{HOOKS}export const REQUIRED_DATABASES = [{{ type: 'share', path: 'md:_share/fleet/1', alias: 'fleet' }}];\n\
         export default function Dive({{ n }}) {{\n\
           const a = useSQLQuery(`select *\\n from \"fleet\".\"main\".\"trips\"`);\n\
           const b = useSQLQuery<Row[]>('select 1', {{ enabled: true }});\n\
           const c = useSQLQuery('by_name', {{ params: {{ n }} }});\n\
           const d = useSQLQuery(`select ${{n}} from \"fleet\".\"main\".\"trips\"`);\n\
           return other('select 2');\n}}"
    );
    let (code, texts) = compiled("dive.tsx", &source);
    let code = code.unwrap();
    assert_eq!(texts, ["select *\n from \"trips\"", "select 1"]);
    for kept in [
        "useSQLQuery(\"sql_1\")",
        "useSQLQuery(\"sql_2\", { enabled: true })",
        "\"by_name\"",
        "other(\"select 2\")",
    ] {
        assert!(code.contains(kept), "{kept}: {code}");
    }
    assert!(!code.contains("select 1") && code.contains("`select ${n}"), "{code}");
    // A function of that name which is not the hook.
    let (_, texts) = compiled(
        "dive.tsx",
        "const useSQLQuery = (text) => text; export default () => useSQLQuery('select 1');",
    );
    assert_eq!(texts, [""; 0]);
    let (code, texts) = compiled(
        "dive.tsx",
        "import { useSQLQuery as ask } from 'vitrine-embed/dive'; export default () => ask('select 1').data;",
    );
    assert!(code.unwrap().contains("ask(\"sql_1\")"));
    assert_eq!(texts, ["select 1"]);
}

#[test]
fn names_that_the_pages_modules_have_are_accepted() {
    for imports in [
        "import React, { Suspense as Waiting, useState, version } from 'react';",
        "import * as React from 'react';\nimport * as Charts from 'recharts';",
        "import { createPortal, flushSync } from 'react-dom';",
        "import { Sankey, type NoSuchType } from 'recharts';",
        "import type { NoSuchType } from 'recharts';\nexport type { Other } from 'elsewhere';",
        "import { useSQLQuery as ask, useDiveState } from '@motherduck/react-sql-query';",
        "export { Bar, type NoSuchType } from 'recharts';",
    ] {
        let (code, _) = compiled("dive.tsx", &format!("{imports}\nexport default () => <p/>;"));
        assert!(code.is_ok(), "{imports}: {code:?}");
    }
}

#[test]
fn the_databases_of_a_dive_are_named_where_it_is_mounted() {
    let source = "export const REQUIRED_DATABASES = [{ alias: 'fleet' }, { alias: 'it\"s' }];\nexport default function Fleet() {}";
    let code = compiled("dive.tsx", source).0.unwrap();
    assert!(code.trim_end().ends_with(r#"mountDive(Fleet, ["fleet","it\"s"]);"#), "{code}");
}

#[test]
fn databases_may_be_named_beside_the_file() {
    let source = "import { useSQLQuery } from 'vitrine-embed/dive';\nexport const REQUIRED_DATABASES = [{ alias: 'fleet' }];\n\
                  export default () => useSQLQuery('select * from fleet.main.trips, lake.raw.\"days\", other.raw.x');";
    let mut texts = Vec::new();
    let name_of = |text: &str| {
        texts.push(text.to_owned());
        None
    };
    let code = compile(source, syntax_of(Path::new("a.js")).unwrap(), &["lake".to_owned()], name_of).unwrap();
    assert_eq!(texts, ["select * from trips, \"days\", other.raw.x"]);
    assert!(code.contains(r#", ["lake","fleet"]);"#), "{code}");
}

#[test]
fn a_file_is_known_by_its_ending() {
    for (file, is_known) in [
        ("a.tsx", true),
        ("a.JSX", true),
        ("a.js", true),
        ("a.ts", false),
        ("a.html", false),
        ("a", false),
        ("tsx", false),
    ] {
        assert_eq!(syntax_of(Path::new(file)).is_some(), is_known, "{file}");
    }
}
