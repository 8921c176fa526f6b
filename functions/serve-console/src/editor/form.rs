//! Fields of the editor. Their names are the paths of the document, so that each problem is shown at its field.

use maud::{Markup, html};
use vitrine::rules::error::Issue;

/// A choice of a list: its value and its label.
pub type Choice<'a> = (&'a str, &'a str);

/// The problems that the fields of a form show.
pub struct EditorForm<'a> {
    pub issues: &'a [Issue],
}

impl EditorForm<'_> {
    /// The problems of a field, and of what is below it in the document.
    fn at<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Issue> {
        self.issues.iter().filter(move |issue| is_at(&issue.path, name))
    }

    fn is_bad(&self, name: &str) -> bool {
        self.at(name).next().is_some()
    }

    fn problem(&self, name: &str) -> Markup {
        html! {
            @if self.is_bad(name) {
                span.problem id={ (name) "-problem" } {
                    @for (index, issue) in self.at(name).enumerate() { @if index > 0 { "; " } (issue.message) }
                }
            }
        }
    }

    fn described(&self, name: &str) -> Option<String> {
        self.is_bad(name).then(|| format!("{name}-problem"))
    }

    fn invalid(&self, name: &str) -> Option<&'static str> {
        self.is_bad(name).then_some("true")
    }

    pub fn text(&self, label: &str, name: &str, value: &str, hint: &str) -> Markup {
        html! {
            label { span { (label) }
                input id=(name) name=(name) value=(value) placeholder=(hint) autocomplete="off"
                    aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)];
                (self.problem(name))
            }
        }
    }

    pub fn number(&self, label: &str, name: &str, value: &str, (least, most): (u64, u64)) -> Markup {
        html! {
            label { span { (label) }
                input id=(name) name=(name) value=(value) type="number" min=(least) max=(most)
                    aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)];
                (self.problem(name))
            }
        }
    }

    pub fn area(&self, label: &str, name: &str, value: &str, rows: u8, hint: &str) -> Markup {
        html! {
            label { span { (label) }
                // A line break after the tag belongs to the tag.
                textarea id=(name) name=(name) rows=(rows) placeholder=(hint) spellcheck="false"
                    aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)] { "\n" (value) }
                (self.problem(name))
            }
        }
    }

    pub fn choice(&self, label: &str, name: &str, value: &str, choices: &[Choice<'_>]) -> Markup {
        let is_known = choices.iter().any(|(word, _)| *word == value);
        html! {
            label { span { (label) }
                select id=(name) name=(name) aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)] {
                    @for (word, label) in choices { option value=(word) selected[*word == value] { (label) } }
                    // A value from elsewhere stays.
                    @if !is_known { option value=(value) selected { (value) } }
                }
                (self.problem(name))
            }
        }
    }

    pub fn check(&self, label: &str, name: &str, is_on: bool) -> Markup {
        html! {
            label.choice { input type="checkbox" id=(name) name=(name) checked[is_on]; span { (label) } (self.problem(name)) }
        }
    }

    /// The problems, above the form, with links to the fields.
    pub fn summary(&self, message: &str) -> Markup {
        html! {
            div.note.bad role="alert" {
                p { (message) }
                @if !self.issues.is_empty() {
                    ul { @for issue in self.issues {
                        li { a href={ "#" (issue.path) } { code { (issue.path) } } " " (issue.message) }
                    } }
                }
            }
        }
    }
}

fn is_at(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_shows_its_own_problems_and_those_below_it() {
        for (path, name, expected) in [
            ("title", "title", true),
            ("title", "titles", false),
            ("titles", "title", false),
            ("allowed_origins[0]", "allowed_origins", true),
            ("content.settings.a", "content.settings", true),
            ("content", "content.query", false),
            ("", "title", false),
        ] {
            assert_eq!(is_at(path, name), expected, "{path} {name}");
        }
    }
}
