//! Several modules as one script. Each file more would be one more request, and on AWS one more function run.
//!
//! The modules are written plainly: one `import` a line, and `export` only before a declaration. A module
//! becomes a function that answers what it exports.

/// The script of modules that are in order: each after those that it imports.
pub fn bundle(modules: &[&str]) -> String {
    modules.iter().fold("\"use strict\";\n".to_owned(), |script, module| {
        let exported: Vec<_> = module.lines().filter_map(exported).collect();
        let body: String = module
            .lines()
            .filter(|line| !line.starts_with("import "))
            .map(|line| format!("{}\n", line.strip_prefix("export ").unwrap_or(line)))
            .collect();
        let names = exported.join(", ");
        script + &format!("const {{ {names} }} = (() => {{\n{body}return {{ {names} }};\n}})();\n")
    })
}

/// The name that a line exports.
pub fn exported(line: &str) -> Option<&str> {
    let declared = line.strip_prefix("export ")?;
    let declared = ["async function ", "function ", "const ", "let "]
        .iter()
        .find_map(|keyword| declared.strip_prefix(keyword))?;
    declared.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_see_what_others_export_and_nothing_else() {
        let first = "const hidden = 1;\nexport const one = hidden;\nexport async function two() {}\n";
        let second = "import { one, two } from \"./first.js\";\nlet hidden = one;\n";
        assert_eq!(
            bundle(&[first, second]),
            "\"use strict\";\n\
             const { one, two } = (() => {\nconst hidden = 1;\nconst one = hidden;\nasync function two() {}\nreturn { one, two };\n})();\n\
             const {  } = (() => {\nlet hidden = one;\nreturn {  };\n})();\n"
        );
    }
}
