//! A script as jscript.dll reads it: its syntax tree, walked once.
//!
//! In: the text of a script that a modern engine could read. Out: every construct that ECMAScript 3 and JScript lack, with
//! its place; the built-ins of later editions that it names; and the statements that can decide an answer. Never: a run of the
//! script, or recursion: the parser and the walk keep their stacks on the heap, however deep a script nests.
//!
//! The parser is tree-sitter's for JavaScript. Its tree keeps every token, so that a comma behind the last property or a
//! reserved word behind a dot can be seen, which a tree of meanings (oxc, swc, boa) has forgotten.

mod builtins;
mod returns;

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, ParseState, Parser};

use super::{Obstacle, ObstacleKind, Place, Script, ScriptReadability};

pub(super) use builtins::{JSCRIPT_PRELUDE, is_jscript_only, is_later};
pub(super) use returns::{Decisions, Tracker};

/// More obstacles than this are not told.
const MAX_OBSTACLES: usize = 20;
/// How often the parser may report progress before it is stopped: it does so every hundred steps, and a script of 1 MiB takes
/// some ten thousand of them.
const MAX_PROGRESS: usize = 200_000;

/// What one walk through a script's tree finds.
#[derive(Debug)]
pub(super) struct Syntax {
    pub readability: ScriptReadability,
    /// Names of built-ins that only one of the two engines has, with the byte at which each stands.
    pub foreign: Vec<(String, usize)>,
    /// Bytes before which JScript sees one more element: the closing bracket of `[a, b, ]`.
    pub extra_elements: Vec<usize>,
    pub decisions: Decisions,
}

impl Syntax {
    /// Reads a script once.
    pub fn read(script: &Script) -> Self {
        let text = script.text();
        let mut found = Found { script, obstacles: Vec::new(), foreign: Vec::new(), extra_elements: Vec::new() };
        let mut decisions = Decisions::default();
        let mut parser = Parser::new();
        let language = tree_sitter_javascript::LANGUAGE.into();
        let tree = parser.set_language(&language).ok().and_then(|()| parse(&mut parser, text));
        let Some(tree) = tree else {
            let what = "a text that is too entangled to be read as JScript".to_owned();
            let obstacles = vec![Obstacle { kind: ObstacleKind::VersionUnknown, what, place: None }];
            return Self {
                readability: ScriptReadability { obstacles },
                foreign: Vec::new(),
                extra_elements: Vec::new(),
                decisions,
            };
        };
        let mut cursor = tree.walk();
        'walk: loop {
            let node = cursor.node();
            found.look(node);
            decisions.enter(node, text);
            if cursor.goto_first_child() {
                continue;
            }
            loop {
                decisions.leave(cursor.node());
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
        decisions.finish();
        let Found { mut obstacles, foreign, extra_elements, .. } = found;
        obstacles.sort_by_key(|(kind, at, _)| (!kind.fails_somewhere(), *at));
        obstacles.truncate(MAX_OBSTACLES);
        let tell = |(kind, at, what)| Obstacle { kind, what, place: place(script, at) };
        let readability = ScriptReadability { obstacles: obstacles.into_iter().map(tell).collect() };
        Self { readability, foreign, extra_elements, decisions }
    }

    /// Whether jscript.dll may answer otherwise than a modern engine.
    pub fn may_differ(&self) -> bool {
        !self.foreign.is_empty() || !self.extra_elements.is_empty()
    }

    /// The name of a foreign built-in at, or nearest to, this place.
    pub fn foreign_at(&self, script: &Script, at: &Place) -> Option<&str> {
        let text = script.text();
        let start = match at.line {
            0 | 1 => 0,
            line => text.match_indices('\n').nth(line - 2)?.0 + 1,
        };
        let length = text[start..].find('\n').unwrap_or(text.len() - start);
        let line = start..=start + length;
        let column = |byte: usize| text.get(start..byte).map_or(0, |before| before.chars().count() + 1);
        self.foreign
            .iter()
            .filter(|(_, byte)| line.contains(byte))
            .take(MAX_ON_A_LINE)
            .min_by_key(|(_, byte)| column(*byte).abs_diff(at.column))
            .map(|(name, _)| name.as_str())
    }

    /// The script with the elements that JScript sees in `[a, b, ]`.
    pub fn as_jscript_counts(&self, text: &str) -> String {
        let mut counted = String::with_capacity(text.len() + self.extra_elements.len());
        let mut from = 0;
        for at in &self.extra_elements {
            counted.push_str(&text[from..*at]);
            counted.push(',');
            from = *at;
        }
        counted.push_str(&text[from..]);
        counted
    }
}

fn parse(parser: &mut Parser, text: &str) -> Option<tree_sitter::Tree> {
    let bytes = text.as_bytes();
    let mut steps = 0;
    let mut watch = |_: &ParseState| {
        steps += 1;
        if steps > MAX_PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut watch);
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// The line and column of a byte, with the line.
pub(super) fn place(script: &Script, byte: usize) -> Option<Place> {
    let before = script.text().get(..byte)?;
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    Place::find(script, line, before[start..].chars().count() + 1)
}

struct Found<'s> {
    script: &'s Script,
    /// Kind, byte, and what it is.
    obstacles: Vec<(ObstacleKind, usize, String)>,
    foreign: Vec<(String, usize)>,
    extra_elements: Vec<usize>,
}

/// So many names of one line are compared with a place: more stand only in a script without line breaks.
const MAX_ON_A_LINE: usize = 256;
/// Names of built-ins beyond these are not counted: one is enough to look closer.
const MAX_FOREIGN: usize = 4_096;

impl<'s> Found<'s> {
    fn look(&mut self, node: Node<'_>) {
        if node.is_error() || node.is_missing() {
            self.tell(ObstacleKind::VersionUnknown, node, "a text that is not read as JScript reads it");
        } else if node.is_named() {
            self.look_at_named(node);
        } else {
            self.look_at_token(node);
        }
    }

    /// Constructs of later editions of ECMA-262, from the fifth (2009) on.
    fn look_at_named(&mut self, node: Node<'_>) {
        match node.kind() {
            "lexical_declaration" => {
                let word = node.child_by_field_name("kind").map_or("let", |kind| kind.kind());
                self.fails(node, word);
            }
            "for_in_statement" => self.look_at_for(node),
            "using_declaration" => self.fails(node, "using"),
            "arrow_function" => self.fails(node, "an arrow function (=>)"),
            "template_string" => self.fails(node, "a template text (`…`)"),
            "class_declaration" | "class" => self.fails(node, "class"),
            "generator_function" | "generator_function_declaration" => self.fails(node, "a generator (function*)"),
            "yield_expression" => self.fails(node, "yield"),
            "await_expression" => self.fails(node, "await"),
            "method_definition" => self.look_at_method(node),
            "computed_property_name" => self.fails(node, "a computed property name"),
            "shorthand_property_identifier" => self.fails(node, "a property without a value ({name})"),
            "object_pattern" | "array_pattern" => self.fails(node, "destructuring"),
            "assignment_pattern" => self.fails(node, "a default value for an argument"),
            "rest_pattern" => self.fails(node, "a rest argument (...)"),
            "spread_element" => self.fails(node, "spread (...)"),
            "optional_chain" => self.fails(node, "optional chaining (?.)"),
            "import_statement" | "import" => self.fails(node, "import"),
            "export_statement" => self.fails(node, "export"),
            "meta_property" => self.fails(node, "new.target"),
            "hash_bang_line" => self.fails(node, "a first line that begins with #!"),
            "catch_clause" if node.child_by_field_name("parameter").is_none() => {
                self.fails(node, "catch without a name");
            }
            "number" => self.look_at_number(node),
            "escape_sequence" if self.text(node).starts_with("\\u{") => self.fails(node, r"the escape \u{…}"),
            "regex" => self.look_at_regex(node),
            "property_identifier" => self.look_at_property(node),
            "subscript_expression" => self.look_at_index(node),
            "identifier" => self.look_at_name(node),
            "string_fragment" => self.note_foreign(node),
            "object" if ends_in_comma(node) => {
                self.tell(ObstacleKind::VersionUnknown, node, "a comma behind the last property of an object");
            }
            "array" if ends_in_comma(node) => {
                if let Some(bracket) = last_child(node) {
                    self.extra_elements.push(bracket.start_byte());
                }
            }
            "arguments" | "formal_parameters" if ends_in_comma(node) => {
                self.fails(node, "a comma behind the last argument");
            }
            "comment" => {
                let text = self.text(node);
                if (text.starts_with("/*@") || text.starts_with("//@")) && text.contains("@cc_on") {
                    self.tell(
                        ObstacleKind::VersionUnknown,
                        node,
                        "conditional compilation (@cc_on), which JScript runs and others skip",
                    );
                }
            }
            _ => {}
        }
    }

    fn look_at_token(&mut self, token: Node<'_>) {
        match token.kind() {
            "**" | "**=" => self.fails(token, "the operator **"),
            "??" | "??=" => self.fails(token, "the operator ??"),
            "||=" | "&&=" => self.fails(token, "an assignment with || or &&"),
            "async" => self.fails(token, "async"),
            _ => {}
        }
    }

    fn look_at_for(&mut self, node: Node<'_>) {
        if let Some(kind) = node.child_by_field_name("kind").filter(|kind| kind.kind() != "var") {
            self.fails(kind, kind.kind());
        }
        if let Some(of) = node.child_by_field_name("operator").filter(|operator| operator.kind() == "of") {
            self.fails(of, "for … of");
        }
    }

    fn look_at_method(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let words: Vec<&str> = node.children(&mut cursor).map(|child| child.kind()).collect();
        let what = if words.contains(&"get") {
            "a getter"
        } else if words.contains(&"set") {
            "a setter"
        } else {
            "a method without the word function"
        };
        self.fails(node, what);
    }

    fn look_at_number(&mut self, node: Node<'_>) {
        let digits = self.text(node).to_ascii_lowercase();
        let is_hexadecimal = digits.starts_with("0x");
        if digits.starts_with("0b") || digits.starts_with("0o") {
            self.fails(node, "a binary or octal number (0b1, 0o7)");
        } else if digits.contains('_') {
            self.fails(node, "a number with _ between its digits");
        } else if digits.ends_with('n') && (!is_hexadecimal || digits.len() > 2) {
            self.fails(node, "a BigInt");
        }
    }

    /// ECMA-262, third edition, 7.8.5: an engine may report such an error while it reads, or when the expression is used.
    fn look_at_regex(&mut self, node: Node<'_>) {
        let flags = node.child_by_field_name("flags").map(|flags| self.text(flags)).unwrap_or_default();
        if flags.chars().any(|flag| !matches!(flag, 'g' | 'i' | 'm')) {
            self.tell(ObstacleKind::VersionUnknown, node, "a regular expression with flags other than g, i and m");
        }
        let pattern = node.child_by_field_name("pattern").map(|pattern| self.text(pattern)).unwrap_or_default();
        if pattern.contains("(?<") {
            self.tell(ObstacleKind::VersionUnknown, node, "a regular expression with (?<");
        }
    }

    /// `host[0]`: version 5.8 of JScript gives the letter (as Internet Explorer 8 does), and 5.7 nothing.
    fn look_at_index(&mut self, node: Node<'_>) {
        let is_text = node.child_by_field_name("object").is_some_and(|object| {
            object.kind() == "string" || object.kind() == "identifier" && matches!(self.text(object), "host" | "url")
        });
        let is_name = node.child_by_field_name("index").is_some_and(|index| index.kind() == "string");
        if is_text && !is_name {
            self.tell(ObstacleKind::VersionUnknown, node, "an index into a text (host[0]) in place of charAt");
        }
    }

    /// A reserved word is no property's name before ECMAScript 5: `a.default`, `{ class: 1 }`.
    fn look_at_property(&mut self, node: Node<'_>) {
        let name = self.text(node);
        if RESERVED.contains(&name) {
            self.fails(node, &format!("the reserved word {name} as the name of a property"));
        } else if RESERVED_FOR_LATER.contains(&name) {
            let what = format!("{name}, which is reserved for later, as the name of a property");
            self.tell(ObstacleKind::VersionUnknown, node, &what);
        }
        if matches!(name.as_bytes(), [b'$', b'1'..=b'9']) {
            self.tell(
                ObstacleKind::VersionUnknown,
                node,
                "RegExp.$1 to $9, which JScript has and this program's engine has not",
            );
        }
        self.note_foreign(node);
    }

    fn look_at_name(&mut self, node: Node<'_>) {
        if self.text(node) == "JSON" {
            self.tell(ObstacleKind::VersionUnknown, node, "JSON, which version 5.8 of JScript has and 5.7 has not");
        }
        self.note_foreign(node);
    }

    fn note_foreign(&mut self, node: Node<'_>) {
        let name = self.text(node);
        if (is_later(name) || is_jscript_only(name)) && self.foreign.len() < MAX_FOREIGN {
            self.foreign.push((name.to_owned(), node.start_byte()));
        }
    }

    fn text(&self, node: Node<'_>) -> &'s str {
        self.script.text().get(node.byte_range()).unwrap_or_default()
    }

    fn fails(&mut self, node: Node<'_>, what: &str) {
        self.tell(ObstacleKind::Syntax, node, what);
    }

    fn tell(&mut self, kind: ObstacleKind, node: Node<'_>, what: &str) {
        // The same construct again is the same change: its first place is told. Those that come first in the text come first.
        if !self.obstacles.iter().any(|(_, _, known)| known == what) {
            self.obstacles.push((kind, node.start_byte(), what.to_owned()));
        }
    }
}

/// Reserved words of JScript (learn.microsoft.com, "JScript Reserved Words (JScript 5.6)"): using one as an identifier is an
/// error when the script is loaded, and a property behind a dot is an identifier (ECMA-262, third edition, 11.2).
const RESERVED: [&str; 29] = [
    "break",
    "case",
    "catch",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "in",
    "instanceof",
    "new",
    "null",
    "return",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];

/// Words of the same page's second list that ECMAScript 5 still reserves; which of that list JScript refuses is not published.
const RESERVED_FOR_LATER: [&str; 7] = ["class", "const", "enum", "export", "extends", "import", "super"];

fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    node.child(u32::try_from(node.child_count().checked_sub(1)?).ok()?)
}

/// `[1, 2, ]`, `{ a: 1, }`, `f(1, )`: a comma before the closing bracket, with something before it.
fn ends_in_comma(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let mut tokens: Vec<&str> = Vec::new();
    for child in node.children(&mut cursor).filter(|child| child.kind() != "comment") {
        if tokens.len() == 3 {
            tokens.remove(0);
        }
        tokens.push(child.kind());
    }
    matches!(tokens.as_slice(), [before, ",", "]" | "}" | ")"] if !matches!(*before, "[" | "{" | "("))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Syntax {
        Syntax::read(&Script::read(text.as_bytes()).expect("a script"))
    }

    /// Each obstacle as `line:column what`.
    fn told(text: &str) -> Vec<String> {
        let shown = |obstacle: &Obstacle| {
            let place = obstacle.place.as_ref().expect("a place");
            let doubt = if obstacle.kind == ObstacleKind::VersionUnknown { "? " } else { "" };
            format!("{doubt}{}:{} {}", place.line, place.column, obstacle.what)
        };
        read(text).readability.obstacles.iter().map(shown).collect()
    }

    #[test]
    fn what_jscript_cannot_read_is_named_with_its_place() {
        for (text, expected) in [
            ("const P = 'DIRECT';", "1:1 const"),
            ("function f() {\n  let a = 1;\n}", "2:3 let"),
            ("var f = (h) => h;", "1:9 an arrow function (=>)"),
            ("var t = `a${1}`;", "1:9 a template text (`…`)"),
            ("for (var x of y) {}", "1:12 for … of"),
            ("for (const k in o) {}", "1:6 const"),
            ("class A {}", "1:1 class"),
            ("function f(a = 1) {}", "1:12 a default value for an argument"),
            ("function f(...a) {}", "1:12 a rest argument (...)"),
            ("f(...a);", "1:3 spread (...)"),
            ("var { a } = b;", "1:5 destructuring"),
            ("var [a] = b;", "1:5 destructuring"),
            ("var o = { a };", "1:11 a property without a value ({name})"),
            ("var o = { [a]: 1 };", "1:11 a computed property name"),
            ("var o = { f() {} };", "1:11 a method without the word function"),
            ("var o = { get a() { return 1; } };", "1:11 a getter"),
            ("async function f() {}", "1:1 async"),
            ("function* f() {}", "1:1 a generator (function*)"),
            ("a?.b;", "1:2 optional chaining (?.)"),
            ("var a = b ?? c;", "1:11 the operator ??"),
            ("var a = b ** 2;", "1:11 the operator **"),
            ("a ||= b;", "1:3 an assignment with || or &&"),
            ("try {} catch {}", "1:8 catch without a name"),
            ("var a = 0b11;", "1:9 a binary or octal number (0b1, 0o7)"),
            ("var a = 1_000;", "1:9 a number with _ between its digits"),
            ("var a = 10n;", "1:9 a BigInt"),
            ("f(1, );", "1:2 a comma behind the last argument"),
            ("a.default;", "1:3 the reserved word default as the name of a property"),
            ("var o = { delete: 1 };", "1:11 the reserved word delete as the name of a property"),
            ("var a = '\\u{1F600}';", r"1:10 the escape \u{…}"),
            ("var o = { a: 1, };", "? 1:9 a comma behind the last property of an object"),
            ("var a = host[0] == 'x';", "? 1:9 an index into a text (host[0]) in place of charAt"),
            ("var r = /a/y;", "? 1:9 a regular expression with flags other than g, i and m"),
            ("var r = /(?<=a)b/;", "? 1:9 a regular expression with (?<"),
            ("var a = JSON.parse('1');", "? 1:9 JSON, which version 5.8 of JScript has and 5.7 has not"),
        ] {
            assert!(told(text).contains(&expected.to_owned()), "{text}: {:?}", told(text));
        }
        let told = told("/*@cc_on\n@*/ function FindProxyForURL() {}");
        assert!(told[0].starts_with("? 1:1 conditional compilation"), "{told:?}");
    }

    #[test]
    fn what_jscript_reads_is_no_obstacle_however_modern_it_looks() {
        for text in [
            "var let_ = 1, of = 2, async = 3, get = 4, set = 5, from = 6;",
            "// const a = () => `x`; class B {}",
            "var s = 'const a = () => {}; for (x of y) {} `t` a?.b';",
            "var r = /=>|const|`|\\?\\./gi;",
            "if (a) { function inner() { return 1; } }",
            "var a = b ? .5 : 1, c = d ? e : f;",
            "outer: for (var i = 0; i < 3; i++) { continue outer; }",
            "with (Math) { var p = PI; }",
            "var o = { 'default': 1, \"class\": 2, 3: 4 }; o['delete'];",
            "var n = 0x1f + 017 + 1e3;",
            "throw new Error('x');",
            "<!-- hidden\nvar a = 1;",
            "var s = 'a\\\nb';",
            "function f(a, b) { return a, b; } f((1, 2));",
            "switch (a) { case 1: break; default: }",
            "do { a--; } while (a > 0)\nvar b = function named() {};",
            "try { a(); } catch (error) { } finally { }",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn one_change_is_told_once_and_the_worst_first() {
        let found = read("var o = { a: 1, };\nconst a = 1;\nconst b = 2;\nvar f = () => 1;");
        let lines: Vec<String> = found.readability.obstacles.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "line 2, column 1: const",
                "line 4, column 9: an arrow function (=>)",
                "line 1, column 9: a comma behind the last property of an object",
            ]
        );
    }

    #[test]
    fn a_script_that_nests_without_end_is_read_without_a_stack() {
        for text in ["(".repeat(100_000), format!("x = {};", vec!["'a'"; 100_000].join(" + ")), "a.".repeat(100_000)] {
            let _ = read(&text);
        }
        let deep = format!("const x = {}1{};", "(".repeat(50_000), ")".repeat(50_000));
        assert_eq!(told(&deep)[0], "1:1 const");
    }

    #[test]
    fn jscript_counts_one_element_more_behind_a_comma() {
        let text = "var a = ['x', 'y', ]; var b = [1, 2]; var c = []; var d = [,];";
        let found = read(text);
        assert_eq!(found.as_jscript_counts(text), "var a = ['x', 'y', ,]; var b = [1, 2]; var c = []; var d = [,];");
        assert!(found.may_differ());
        assert!(!read("var b = [1, 2];").may_differ());
    }
}
