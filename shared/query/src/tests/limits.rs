//! Long and deep texts.

use vitrine_rules::query::limits::QueryLimits;

use super::check;

/// Runs on a small stack: an overflow aborts the test's process and names the thread.
fn on_a_small_stack(name: String, check: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name(name).stack_size(2 * 1024 * 1024).spawn(check).unwrap().join().unwrap();
}

#[test]
fn no_chain_and_no_nesting_overflows_the_stack() {
    const SIZE: usize = 20 * 1024;
    let links = [
        "+1",
        "-1",
        " - ",
        " or a",
        " and not a",
        " not",
        "||a",
        "::int",
        "[1]",
        "[]",
        "(",
        ")",
        "((",
        "{",
        "[",
        " is null",
        " like a",
        " in (1)",
        " between 1 and 2",
        " collate c",
        " at time zone 'x'",
        " union select 1",
        " intersect select 1",
        " interval",
        " interval '1' +",
        " case when",
        " case",
        "case a when 1 then ",
        " end",
        " array<",
        "struct<a ",
        "map<a,",
        " select",
        "(select ",
        " from (",
        " exists(",
        " exists ",
        ".a",
        "->a",
        "->>'a'",
        "=a",
        "<",
        ">",
        " x -> ",
        "*",
        "/",
        "%",
        "^",
        "&",
        "|",
        "~",
        "!",
        "@",
        "#",
        ":a",
        ";",
        ",",
        "'",
        "\"",
        "/*",
        "--",
        "$",
        "$$",
        "$a$",
        "?",
        " explain",
        " with a as (",
        " lateral",
        " join a",
        " cross join a",
        " values",
        " cast(",
        " try_cast(",
        " extract(year from ",
        " trim(",
        " substring(",
        " position(",
        " f(",
        " lower(",
        " distinct",
        " not in",
        " prior ",
        " any(",
        " all(",
        " some(",
        " row(",
        " grouping sets ((",
        " over (",
        " filter (where",
        " within group (",
        " unnest(",
        "{'a':",
        " map{'a':",
        " date",
        " timestamp",
        " operator(+)",
        " isnull",
        " notnull",
        " a.",
        " *",
        " :=",
        " =>",
        " \\",
        " u&'",
        " e'",
        " n'",
        " x'",
        " b'",
        " _utf8",
        " new ",
        " default",
        " connect_by_root ",
        " table ",
        " insert into a ",
        " update a set a=",
        " delete from ",
        " merge into ",
        " for update",
        " limit",
        " offset",
        " fetch",
        " qualify",
        " window w as (",
        " pivot (",
        " unpivot (",
        " match_recognize (",
        " json_table(",
        " xmltable(",
        " tablesample (",
        " a as a",
        " order by",
        " group by",
        " having",
        " |> where",
        " |> select",
        "::int[]",
        "::array<int",
    ];
    for link in links {
        on_a_small_stack(link.to_owned(), move || {
            for prefix in ["", "select ", "select 1 from orders where a", "select a::int"] {
                // Some of them are lists, which may be long.
                let _ = check(&format!("{prefix}{}", link.repeat(SIZE / link.len())));
            }
        });
    }
}

#[test]
fn ordinary_lengths_are_accepted() {
    let many = |link: &str, count: usize| format!("select a from orders where a = 1{}", link.repeat(count));
    assert!(check(&many(" or a = 1", 200)).is_ok());
    assert!(check(&many(" or a = 1", 300)).unwrap_err().contains("500 operators"));
    let list: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
    assert!(check(&format!("select a from orders where a in ({})", list.join(","))).is_ok());
    let columns: Vec<_> = (0..400).map(|number| format!("a + {number} - b * 2 as c{number}")).collect();
    assert!(check(&format!("select {} from orders", columns.join(", "))).is_ok());
    let nested = |depth: usize| format!("select {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(check(&nested(20)).is_ok());
    assert!(check(&nested(51)).unwrap_err().contains("levels deep"));
    let calls = |depth: usize| format!("select {}1{}", "round(".repeat(depth), ")".repeat(depth));
    assert!(check(&calls(20)).is_ok());
    assert!(check(&calls(51)).unwrap_err().contains("50 levels"));
    let long = format!("select '{}'", "x".repeat(QueryLimits::default().rendered_bytes()));
    assert!(check(&long).unwrap_err().contains("bytes"));
}

/// The parser tries some forms in two ways, and would take twice as long for each level of a text with a mistake.
#[test]
fn nested_mistakes_are_found_in_time() {
    let mut slow = Vec::new();
    for form in [
        "cast(",
        "trim(",
        "extract(year from ",
        "position(",
        "substring(",
        "overlay(",
        "ceil(",
        "floor(",
        "exists(",
        "not(",
        "case when ",
        "array(",
        "struct(",
        "map(",
        "interval(",
        "convert(",
        "((",
        "lower(",
        "coalesce(",
        "count(distinct ",
        "(select * from (",
        "[",
        "{'a': ",
        "row(",
        "any(",
        "x in (",
        "x = all(",
        "filter (where ",
    ] {
        for prefix in ["select ", "select * from ", "select * from orders where "] {
            for depth in [3, 6, 8, 12, 25, 49] {
                let start = std::time::Instant::now();
                let _ = check(&format!("{prefix}{}1 1", form.repeat(depth)));
                if start.elapsed() > std::time::Duration::from_secs(20) {
                    slow.push(format!("{prefix}{form} {depth}: {:?}", start.elapsed()));
                    break;
                }
            }
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
