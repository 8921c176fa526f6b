//! The report of an import.

use std::collections::BTreeSet;
use std::fmt;

use super::source::one_line;

/// A question or a dashboard in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// `question` or `dashboard`.
    pub kind: &'static str,
    pub name: String,
    /// Its name with that of its collection there.
    pub label: String,
    pub outcome: ImportOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// Under this number, with the changes that were necessary.
    Taken {
        number: Option<u64>,
        changes: Vec<String>,
    },
    NotTaken(String),
}

#[derive(Debug, Default)]
pub struct Report {
    pub is_dry_run: bool,
    pub entries: Vec<ReportEntry>,
    /// Remarks about more than one entry.
    pub remarks: BTreeSet<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_dry_run {
            writeln!(
                out,
                "Nothing was written: this is a dry run, and the stack may still refuse something.\n"
            )?;
        }
        for remark in &self.remarks {
            writeln!(out, "Note: {remark}.")?;
        }
        let is_taken = |entry: &&ReportEntry| matches!(&entry.outcome, ImportOutcome::Taken { changes, .. } if changes.is_empty());
        let is_changed = |entry: &&ReportEntry| matches!(&entry.outcome, ImportOutcome::Taken { changes, .. } if !changes.is_empty());
        let is_left = |entry: &&ReportEntry| matches!(entry.outcome, ImportOutcome::NotTaken(_));
        list(out, "Taken as it is", self.entries.iter().filter(is_taken))?;
        list(out, "Taken with changes", self.entries.iter().filter(is_changed))?;
        list(out, "Not taken", self.entries.iter().filter(is_left))
    }
}

fn list<'a>(
    out: &mut fmt::Formatter<'_>,
    title: &str,
    entries: impl Iterator<Item = &'a ReportEntry>,
) -> fmt::Result {
    let entries: Vec<_> = entries.collect();
    writeln!(out, "{title}: {}", entries.len())?;
    for ReportEntry { kind, name, label, outcome } in entries {
        let name = one_line(name);
        match outcome {
            ImportOutcome::Taken { number, changes } => {
                let number = number.map_or_else(String::new, |number| format!(" {number}"));
                writeln!(out, "  {kind}{number} \"{name}\"")?;
                for change in changes {
                    writeln!(out, "    - {change}")?;
                }
            }
            ImportOutcome::NotTaken(reason) => writeln!(out, "  {kind} {label}: {reason}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_lists_what_was_taken_changed_and_left_out() {
        let taken = |number, changes: &[&str]| ImportOutcome::Taken {
            number,
            changes: changes.iter().map(|change| (*change).to_owned()).collect(),
        };
        let entry = |name: &str, outcome| ReportEntry {
            kind: "question",
            name: name.to_owned(),
            label: format!("\"{name}\" in the collection \"X / Y\""),
            outcome,
        };
        let report = Report {
            is_dry_run: false,
            entries: vec![
                entry("A", taken(Some(1), &[])),
                entry("B\n\"", taken(None, &["one", "two"])),
                entry("C", ImportOutcome::NotTaken("is archived".to_owned())),
            ],
            remarks: BTreeSet::from(["x".to_owned()]),
        };
        let expected = "Note: x.\nTaken as it is: 1\n  question 1 \"A\"\nTaken with changes: 1\n  question \"B \"\"\n    - one\n    - two\n\
                        Not taken: 1\n  question \"C\" in the collection \"X / Y\": is archived\n";
        assert_eq!(report.to_string(), expected);
        assert!(
            Report { is_dry_run: true, ..Report::default() }.to_string().starts_with("Nothing was written")
        );
    }
}
