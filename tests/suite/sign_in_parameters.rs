//! The parameters of sign-in through a provider: the template lets no value through with which functions do not start.

use vitrine::rules::settings::Settings;

use crate::patterns::matches;
use crate::template::{template, text};

/// A parameter, and values that the template accepts or refuses.
#[test]
fn a_value_that_the_template_accepts_is_understood() {
    let many = (1..=101).map(|number| number.to_string()).collect::<Vec<_>>();
    let [most, too_many] = [100, 101].map(|count| format!("a=read@{}", many[..count].join("+")));
    let cases: [(&str, &[&str], &[&str]); 4] = [
        (
            "ConsoleIssuer",
            &[
                "",
                "https://id.example.com",
                "https://id.example.com/",
                "https://id.example.com:64999/realms/a-b_c~d.e/v2.0/",
                "https://login.example.com/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77/v2.0",
            ],
            &[
                "http://id.example.com",
                "https://",
                "https://id.example.com:70000",
                "https://user@id.example.com",
                "https://id.example.com?a=b",
                "https://id.example.com/#a",
                "https://id.example.com/\"",
                "https://id.example.com/a b",
                "https://id.example.com/a\\b",
                "https://id.example.com/<a>",
            ],
        ),
        ("ConsoleClientId", &["", "0oa1b2c3d4", "the console (1)"], &["a\nb", "a\u{7}"]),
        ("ConsoleGroupClaim", &["groups", "https://example.com/groups", "cognito:groups"], &["", "a\tb"]),
        (
            "ConsoleRoles",
            &[
                "",
                "owners=admin",
                "owners=admin,editors=write@1+2, analysts=read",
                "CN=admins%2CDC=example=admin@7",
                "a=read,a=admin",
                "a=resources:list+introspect+sessions:create+resources:write@999999999",
                "F\u{fc}hrung und Vertrieb =read",
                "==read",
                ",owners=admin",
                &most,
            ],
            &[
                "owners",
                "=admin",
                " =admin",
                "owners=",
                "owners=owner",
                "owners=admin+read",
                "owners=read+",
                "owners=admin,",
                "owners=admin,,a=read",
                "owners=read@",
                "owners=read@0",
                "owners=read@1+",
                "owners=read@1@2",
                "owners=read@9999999999",
                "a\u{7}=read",
                &too_many,
            ],
        ),
    ];
    let template = template();
    for (name, good, bad) in cases {
        let pattern = text(&template["Parameters"][name]["AllowedPattern"]);
        for value in good {
            assert!(matches(pattern, value), "{name}={value}");
            assert!(Settings::default().set(name, value).is_ok(), "{name}={value}");
        }
        for value in bad {
            assert!(!matches(pattern, value), "{name}={value}");
        }
    }
}
