//! One TSX or JSX file becomes one JavaScript module that mounts its component.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, CallExpression, Decorator, ExportAllDeclaration,
    ExportDefaultDeclaration, ExportDefaultDeclarationKind, ExportNamedDeclaration, Expression,
    ImportDeclaration, ImportDeclarationSpecifier, ImportExpression, ModuleExportName, ObjectPropertyKind,
    Program, Statement, StringLiteral, TSImportEqualsDeclaration, TSModuleReference, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_codegen::Codegen;
use oxc_diagnostics::OxcDiagnostic;
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::{GetSpan, SourceType, Span};
use oxc_transformer::{TransformOptions, Transformer};

use super::databases::Tables;
use super::modules::{HOOKS, Module, unknown_module};

/// The module of the page that mounts a component.
const MOUNT_MODULE: &str = "vitrine-embed/mount";

/// A reason why a file cannot be compiled, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFault {
    /// Both count from one; columns count characters.
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl SourceFault {
    fn new(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let last = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.split('\n').count(), column: last.chars().count() + 1, message: message.into() }
    }
}

impl fmt::Display for SourceFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Returns the kind of source that a file has by its name.
pub fn syntax_of(path: &Path) -> Option<SourceType> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "tsx" => Some(SourceType::tsx()),
        "jsx" | "js" => Some(SourceType::jsx()),
        _ => None,
    }
}

/// Compiles a dive, whose tables may be named with one of `databases` as well as with those that it declares. `name_of` may give a SQL
/// text that is written into a call of `useSQLQuery` a name, which then stands for it. Either way its tables lose the names of databases.
pub fn compile(
    source: &str,
    syntax: SourceType,
    databases: &[String],
    mut name_of: impl FnMut(&str) -> Option<String>,
) -> Result<String, Vec<SourceFault>> {
    let mut changed = source.to_owned();
    let Examined { texts, databases: declared } = examine(source, syntax)?;
    let databases = [databases, &declared].concat();
    let mut tables = Tables::of(databases.clone());
    let mut named = Vec::new();
    for (place, text) in texts {
        let told = |problem: String| vec![SourceFault::new(source, place.start, problem)];
        let text = tables.unqualified(&text).map_err(told)?;
        named.push((place, name_of(&text).unwrap_or(text)));
    }
    // Later places first, so that the earlier ones stay where they are.
    for (place, asked) in named.into_iter().rev() {
        changed.replace_range(place, &serde_json::Value::String(asked).to_string());
    }
    mounted(transformed(&changed, syntax)?, &databases)
}

/// The SQL texts of the hooks in a file with their places, and the names of the databases that it declares.
struct Examined {
    texts: Vec<(Range<usize>, String)>,
    databases: Vec<String>,
}

/// Checks a file as it was written.
fn examine(source: &str, syntax: SourceType) -> Result<Examined, Vec<SourceFault>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, syntax).parse();
    refuse(source, parsed.diagnostics)?;
    let checked = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    refuse(source, checked.diagnostics)?;
    let examined = Examined { texts: Vec::new(), databases: Vec::new() };
    let mut examiner = Examiner { source, problems: Vec::new(), hooks: BTreeSet::new(), examined };
    // Imports first: a hook may be called before the line that imports it.
    for statement in &parsed.program.body {
        if let Statement::ImportDeclaration(import) = statement {
            examiner.import(import);
        }
    }
    examiner.visit_program(&parsed.program);
    if default_export(&parsed.program).is_none() {
        let message =
            "a dive has one default export, its component: write `export default function Name() { ... }`";
        examiner.problems.push(SourceFault::new(source, 0, message));
    }
    let Examiner { mut problems, examined, .. } = examiner;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    if problems.is_empty() { Ok(examined) } else { Err(problems) }
}

fn transformed(source: &str, syntax: SourceType) -> Result<String, Vec<SourceFault>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, syntax).parse();
    refuse(source, parsed.diagnostics)?;
    let mut program = parsed.program;
    let semantic = SemanticBuilder::new().with_excess_capacity(2.0).with_enum_eval(true).build(&program);
    refuse(source, semantic.diagnostics)?;
    let scoping = semantic.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformer = Transformer::new(&allocator, Path::new("dive.tsx"), &options);
    let result = transformer.build_with_scoping(scoping, &mut program);
    refuse(source, result.diagnostics)?;
    Ok(Codegen::new().with_scoping(Some(result.scoping)).build(&program).code)
}

/// Puts a call that mounts the component where the module exported it. It names the dive's databases, for texts that are only put together in
/// the browser.
fn mounted(mut code: String, databases: &[String]) -> Result<String, Vec<SourceFault>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &code, SourceType::mjs()).parse();
    refuse(&code, parsed.diagnostics)?;
    // A comment may have the elements made by another library.
    let problems = parsed.program.body.iter().filter_map(|statement| match statement {
        Statement::ImportDeclaration(import) => stranger(&code, &import.source, 0),
        _ => None,
    });
    let problems: Vec<_> = problems.collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let missing = || vec![SourceFault::new("", 0, "the default export is a type")];
    let (whole, declared, name) = match default_export(&parsed.program).ok_or_else(missing)? {
        DefaultExport::Own(export) => {
            let name = match &export.declaration {
                ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.name(),
                ExportDefaultDeclarationKind::ClassDeclaration(class) => class.name(),
                _ => None,
            };
            let name = name.map(|name| name.to_string());
            (range(export.span), Some(range(export.declaration.span())), name)
        }
        DefaultExport::Named { name, specifier } => (range(specifier), None, Some(name)),
    };

    let fresh = |stem: &str| {
        let mut name = stem.to_owned();
        while code.contains(&name) {
            name.push('_');
        }
        name
    };
    let (mount, component) = (fresh("mountDive"), name.clone().unwrap_or_else(|| fresh("Dive")));
    match declared {
        Some(declared) => {
            let start = whole.start..declared.start;
            let replacement = if name.is_some() { String::new() } else { format!("const {component} = ") };
            code.replace_range(start, &replacement);
        }
        // Another name does no harm: nothing imports this module.
        None => code.replace_range(whole, &format!("{component} as {}", fresh("Exported"))),
    }
    let databases = match databases {
        [] => String::new(),
        named => format!(", {}", serde_json::Value::from(named)),
    };
    code.push_str(&format!(
        "import {{ mount as {mount} }} from \"{MOUNT_MODULE}\";\n{mount}({component}{databases});\n"
    ));
    Ok(code)
}

fn refuse(
    source: &str,
    diagnostics: impl IntoIterator<Item = OxcDiagnostic>,
) -> Result<(), Vec<SourceFault>> {
    let problems =
        diagnostics.into_iter().filter(|found| found.severity != oxc_diagnostics::Severity::Advice);
    let problems: Vec<_> = problems
        .map(|found| {
            let offset = found.labels.first().map_or(0, |label| label.offset());
            let help = found.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
            SourceFault::new(source, offset as usize, format!("{}{help}", found.message))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

enum DefaultExport<'p, 'a> {
    Own(&'p ExportDefaultDeclaration<'a>),
    /// `export { Name as default }`
    Named {
        name: String,
        specifier: Span,
    },
}

fn default_export<'p, 'a>(program: &'p Program<'a>) -> Option<DefaultExport<'p, 'a>> {
    program.body.iter().find_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(export) => match export.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => None,
            _ => Some(DefaultExport::Own(export)),
        },
        Statement::ExportNamedDeclaration(export) if export.source.is_none() => {
            let named = export.specifiers.iter().find(|one| one.exported.name() == "default");
            named.map(|one| DefaultExport::Named { name: one.local.name().to_string(), specifier: one.span })
        }
        _ => None,
    })
}

/// The problem of a module that a dive does not have.
fn stranger(source: &str, module: &StringLiteral<'_>, at: u32) -> Option<SourceFault> {
    let name = module.value.as_str();
    Module::named(name).is_none().then(|| SourceFault::new(source, at as usize, unknown_module(name)))
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

struct Examiner<'s> {
    source: &'s str,
    problems: Vec<SourceFault>,
    /// The names that `useSQLQuery` has in this file.
    hooks: BTreeSet<String>,
    examined: Examined,
}

impl Examiner<'_> {
    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(SourceFault::new(self.source, span.start as usize, message));
    }

    fn module(&mut self, module: &StringLiteral<'_>) {
        self.problems.extend(stranger(self.source, module, module.span.start));
    }

    /// Names of a type need no module: they are gone when the file is compiled.
    fn import(&mut self, import: &ImportDeclaration<'_>) {
        let specifiers = || import.specifiers.iter().flatten();
        let is_type = |one: &ImportDeclarationSpecifier| matches!(one, ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind.is_type());
        if import.import_kind.is_type() || (specifiers().count() > 0 && specifiers().all(is_type)) {
            return;
        }
        let name = import.source.value.as_str();
        let Some(module) = Module::named(name) else { return self.module(&import.source) };
        for one in specifiers().filter(|one| !is_type(one)) {
            match one {
                ImportDeclarationSpecifier::ImportSpecifier(one) => {
                    if module == Module::Hooks && imported(&one.imported) == HOOKS[0] {
                        self.hooks.insert(one.local.name.to_string());
                    }
                    self.name(module, name, imported(&one.imported), one.span);
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                    self.name(module, name, "default", one.span);
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) if module == Module::Hooks => {
                    self.problem(one.span, "import the hooks by their names");
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {}
            }
        }
    }

    /// Checks a name that is imported from a module.
    fn name(&mut self, module: Module, module_name: &str, name: &str, span: Span) {
        if let Some(problem) = module.problem(module_name, name) {
            self.problem(span, problem);
        }
    }
}

fn imported<'n>(name: &'n ModuleExportName<'_>) -> &'n str {
    match name {
        ModuleExportName::IdentifierName(name) => name.name.as_str(),
        ModuleExportName::IdentifierReference(name) => name.name.as_str(),
        ModuleExportName::StringLiteral(name) => name.value.as_str(),
    }
}

impl<'a> Visit<'a> for Examiner<'_> {
    fn visit_export_named_declaration(&mut self, export: &ExportNamedDeclaration<'a>) {
        if let Some(source) = export.source.as_ref().filter(|_| !export.export_kind.is_type()) {
            self.module(source);
            let name = source.value.as_str();
            let values = export.specifiers.iter().filter(|one| !one.export_kind.is_type());
            for (module, one) in Module::named(name)
                .into_iter()
                .flat_map(|module| values.clone().map(move |one| (module, one)))
            {
                self.name(module, name, imported(&one.local), one.span);
            }
        }
        walk::walk_export_named_declaration(self, export);
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        if !export.export_kind.is_type() {
            self.module(&export.source);
        }
    }

    /// A dive declares its databases as `REQUIRED_DATABASES = [{ type, path, alias }]`.
    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        let is_declaration =
            declarator.id.get_identifier_name().is_some_and(|name| name == "REQUIRED_DATABASES");
        if let Some(Expression::ArrayExpression(list)) = declarator.init.as_ref().filter(|_| is_declaration) {
            let objects = list.elements.iter().filter_map(|element| match element {
                ArrayExpressionElement::ObjectExpression(object) => Some(object),
                _ => None,
            });
            for object in objects {
                let alias = object.properties.iter().find_map(|property| match property {
                    ObjectPropertyKind::ObjectProperty(property)
                        if property.key.is_specific_static_name("alias") =>
                    {
                        match &property.value {
                            Expression::StringLiteral(alias) => Some(alias.value.to_string()),
                            _ => None,
                        }
                    }
                    _ => None,
                });
                self.examined.databases.extend(alias);
            }
        }
        walk::walk_variable_declarator(self, declarator);
    }

    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.problem(decorator.span, "decorators are not there");
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        self.problem(import.span, "import() is not there: import by name at the top of the file");
    }

    fn visit_ts_import_equals_declaration(&mut self, import: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(_) = import.module_reference {
            self.problem(import.span, "require is not there: import by name at the top of the file");
        }
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Expression::Identifier(callee) = &call.callee {
            let text = match call.arguments.first() {
                Some(Argument::StringLiteral(text)) => Some((text.span, text.value.to_string())),
                Some(Argument::TemplateLiteral(text)) if text.expressions.is_empty() => {
                    let cooked = text.quasis.first().and_then(|part| part.value.cooked);
                    cooked.map(|cooked| (text.span, cooked.to_string()))
                }
                _ => None,
            };
            match text {
                Some((span, _)) if callee.name == "require" => {
                    self.problem(span, "require is not there: import by name at the top of the file");
                }
                // The name of a published query is one word. SQL has blanks.
                Some((span, text))
                    if self.hooks.contains(callee.name.as_str()) && text.contains(char::is_whitespace) =>
                {
                    self.examined.texts.push((range(span), text));
                }
                _ => {}
            }
        }
        walk::walk_call_expression(self, call);
    }
}
