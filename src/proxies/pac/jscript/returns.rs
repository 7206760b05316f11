//! Which statement of a script decided an answer.
//!
//! In: the syntax tree, and what a marked copy of the script reports as it runs. Out: the places that an answer came from: the
//! `return` of the function that was asked, and before it the assignment or the other function's `return` that made its value.
//! Never: an answer. The marked copy runs beside the script, and what it says counts only where both answer the same.

use std::fmt::Write as _;
use std::ops::Range;

use tree_sitter::Node;

use super::place;
use crate::proxies::pac::{Place, Script};

/// A script with more statements of this kind is not marked.
const MAX_DECISIONS: usize = 20_000;
/// So many places are told of one answer.
const MAX_PLACES: usize = 4;
/// How far an expression is followed into its branches.
const MAX_BRANCHES: usize = 64;
const ENTRIES: [&str; 2] = ["FindProxyForURLEx", "FindProxyForURL"];

/// A `return`, or an assignment to a variable that some `return` gives back.
#[derive(Debug)]
struct Decision {
    /// The variable that an assignment sets; nothing for a `return`.
    variable: Option<String>,
    /// Where it begins.
    at: usize,
    /// The expression whose value is reported.
    marked: Range<usize>,
    /// Index of the function that it stands in; nothing outside of all.
    function: Option<usize>,
    /// What its value can come from.
    sources: Sources,
}

/// Where the value of an expression can come from.
#[derive(Debug, Default)]
struct Sources {
    /// Functions called last, by name where they have one.
    calls: Vec<Option<String>>,
    variables: Vec<String>,
}

/// Everything in a script that can decide an answer.
#[derive(Debug, Default)]
pub(in crate::proxies::pac) struct Decisions {
    all: Vec<Decision>,
    /// The names of the functions, in the order of the text.
    functions: Vec<Option<String>>,
    /// The functions around the present node, by the node's number.
    around: Vec<(usize, usize)>,
    /// Functions that are about to be met, by what they are assigned to.
    named: Vec<(usize, String)>,
    /// Those of `all` that are the `return` of the function that is asked.
    entries: Vec<usize>,
    /// Those of `all` that are assignments.
    assignments: Vec<usize>,
}

impl Decisions {
    /// Takes note of a node that the walk comes to.
    pub fn enter(&mut self, node: Node<'_>, text: &str) {
        if !node.is_named() || self.all.len() > MAX_DECISIONS {
            return;
        }
        match node.kind() {
            "function_declaration"
            | "function_expression"
            | "arrow_function"
            | "method_definition"
            | "generator_function"
            | "generator_function_declaration" => self.enter_function(node, text),
            "return_statement" => {
                let mut cursor = node.walk();
                let value = node.named_children(&mut cursor).find(|child| child.kind() != "comment");
                if let Some(value) = value {
                    self.add(None, node.start_byte(), value, value, text);
                }
            }
            "variable_declarator" => self.look_at_assignment(node, ("name", "value"), false, text),
            "pair" => {
                let (key, value) = (node.child_by_field_name("key"), node.child_by_field_name("value"));
                if let (Some(key), Some(value)) = (key.filter(|key| key.kind() == "property_identifier"), value)
                    && let (true, Some(name)) = (is_function(value), text.get(key.byte_range()))
                {
                    self.named.push((value.id(), name.to_owned()));
                }
            }
            "assignment_expression" => self.look_at_assignment(node, ("left", "right"), true, text),
            "augmented_assignment_expression" => {
                if let Some(target) = node.child_by_field_name("left").filter(|left| left.kind() == "identifier") {
                    let variable = text.get(target.byte_range()).map(str::to_owned);
                    self.add(variable, node.start_byte(), node, node, text);
                }
            }
            _ => {}
        }
    }

    /// The walk leaves a node.
    pub fn leave(&mut self, node: Node<'_>) {
        if self.around.last().is_some_and(|(id, _)| *id == node.id()) {
            self.around.pop();
        }
    }

    /// Keeps the assignments whose variable some `return` gives back, at once or by way of another variable.
    pub fn finish(&mut self) {
        let mut wanted: Vec<String> = Vec::new();
        loop {
            let before = wanted.len();
            for decision in &self.all {
                let counts = decision.variable.as_ref().is_none_or(|variable| wanted.contains(variable));
                for variable in decision.sources.variables.iter().filter(|_| counts) {
                    if !wanted.contains(variable) {
                        wanted.push(variable.clone());
                    }
                }
            }
            if wanted.len() == before || wanted.len() > MAX_BRANCHES {
                break;
            }
        }
        self.all.retain(|decision| decision.variable.as_ref().is_none_or(|variable| wanted.contains(variable)));
        let numbers = 0..self.all.len();
        self.entries = numbers.clone().filter(|number| self.is_entry(&self.all[*number])).collect();
        self.assignments = numbers.filter(|number| self.all[*number].variable.is_some()).collect();
    }

    fn enter_function(&mut self, node: Node<'_>, text: &str) {
        let own = node.child_by_field_name("name").and_then(|name| text.get(name.byte_range())).map(str::to_owned);
        let given = self.named.iter().position(|(id, _)| *id == node.id()).map(|at| self.named.swap_remove(at).1);
        self.around.push((node.id(), self.functions.len()));
        self.functions.push(given.or(own));
        let body = node.child_by_field_name("body").filter(|body| body.kind() != "statement_block");
        if let Some(body) = body.filter(|_| node.kind() == "arrow_function") {
            self.add(None, body.start_byte(), body, body, text);
        }
    }

    /// `name = value`; `whole` where the assignment is an expression, which can be marked as it is.
    fn look_at_assignment(&mut self, node: Node<'_>, fields: (&str, &str), whole: bool, text: &str) {
        let (Some(target), Some(value)) = (node.child_by_field_name(fields.0), node.child_by_field_name(fields.1))
        else {
            return;
        };
        if target.kind() != "identifier" {
            return;
        }
        let Some(variable) = text.get(target.byte_range()).map(str::to_owned) else { return };
        if is_function(value) {
            self.named.push((value.id(), variable));
            return;
        }
        self.add(Some(variable), node.start_byte(), if whole { node } else { value }, value, text);
    }

    fn add(&mut self, variable: Option<String>, at: usize, marked: Node<'_>, value: Node<'_>, text: &str) {
        let function = self.around.last().map(|(_, function)| *function);
        let sources = Sources::of(value, text);
        self.all.push(Decision { variable, at, marked: marked.byte_range(), function, sources });
    }

    /// A copy of the script that reports each of these as it happens, and the name of the function that it reports to; nothing
    /// for a script with none of them, or with too many.
    pub fn mark(&self, text: &str) -> Option<(String, String)> {
        if self.all.is_empty() || self.all.len() > MAX_DECISIONS {
            return None;
        }
        let mut name = "waprobe_mark".to_owned();
        while text.contains(&name) {
            name.push('_');
        }
        // At one byte what ends comes before what begins; the outer begins first and ends last.
        let mut marks: Vec<(usize, bool, usize)> = Vec::with_capacity(self.all.len() * 2);
        for (number, decision) in self.all.iter().enumerate() {
            marks.push((decision.marked.start, true, number));
            marks.push((decision.marked.end, false, self.all.len() - number));
        }
        marks.sort_unstable();
        let mut marked = String::with_capacity(text.len() + self.all.len() * 24);
        let mut from = 0;
        for (at, begins, number) in marks {
            marked.push_str(text.get(from..at)?);
            from = at;
            if begins {
                write!(marked, " {name}({number},(").ok()?;
            } else {
                marked.push_str("))");
            }
        }
        marked.push_str(text.get(from..)?);
        Some((marked, name))
    }

    fn is_entry(&self, decision: &Decision) -> bool {
        let name = decision.function.and_then(|function| self.functions[function].as_deref());
        decision.variable.is_none() && name.is_some_and(|name| ENTRIES.contains(&name))
    }

    /// The places that `answer` came from, which the question that began at `began` got: first the `return` of the function
    /// that was asked, then what that gave back.
    pub fn places(&self, tracker: &Tracker, began: u64, answer: &str, script: &Script) -> Vec<Place> {
        let mut chain = self.chain(tracker, began, answer);
        chain.truncate(MAX_PLACES);
        chain.into_iter().filter_map(|number| place(script, self.all[number].at)).collect()
    }

    fn chain(&self, tracker: &Tracker, began: u64, answer: &str) -> Vec<usize> {
        let said = |number: usize| tracker.reports.get(number).and_then(Option::as_ref);
        let asked = self.entries.iter().filter_map(|number| said(*number).map(|report| (report.at, *number))).max();
        let Some((at, first)) = asked.or(tracker.last).filter(|(at, _)| *at >= began) else { return Vec::new() };
        if self.all[first].variable.is_some() || said(first).and_then(|report| report.value.as_deref()) != Some(answer)
        {
            return Vec::new();
        }
        let mut chain = vec![first];
        let (mut now, mut at) = (first, at);
        while chain.len() < MAX_PLACES {
            let Some(next) = self.before(tracker, now, at, answer) else { break };
            if chain.contains(&next.1) {
                break;
            }
            (at, now) = next;
            chain.push(now);
        }
        chain
    }

    /// What gave the value to this statement, which reported at `at`: the moment of its own report, and its number.
    fn before(&self, tracker: &Tracker, number: usize, at: u64, answer: &str) -> Option<(u64, usize)> {
        let decision = &self.all[number];
        let report = |number: usize| tracker.reports.get(number).and_then(Option::as_ref);
        let has_the_value = |number: &usize| {
            report(*number).is_some_and(|report| report.at < at && report.value.as_deref() == Some(answer))
        };
        let set_by = (self.assignments.iter().copied())
            .filter(|other| {
                let other = &self.all[*other];
                let is_seen = other.function.is_none() || other.function == decision.function;
                is_seen && other.variable.as_ref().is_some_and(|name| decision.sources.variables.contains(name))
            })
            .filter(has_the_value)
            .filter_map(|other| report(other).map(|report| (report.at, other)))
            .max();
        let (before, called) = report(number)?.before?;
        let called_by = Some((before, called)).filter(|(before, called)| {
            let is_the_last = report(*called).is_some_and(|report| report.at == *before);
            let name = self.all[*called].function.and_then(|function| self.functions[function].as_ref());
            let is_called = decision.sources.calls.iter().any(|call| call.is_none() || call.as_ref() == name);
            self.all[*called].variable.is_none() && is_the_last && is_called && has_the_value(called)
        });
        called_by.or(set_by)
    }
}

fn is_function(value: Node<'_>) -> bool {
    matches!(value.kind(), "function_expression" | "arrow_function" | "generator_function")
}

impl Sources {
    fn of(value: Node<'_>, text: &str) -> Self {
        let mut sources = Self::default();
        let mut open = vec![value];
        let mut looked_at = 0;
        while let Some(node) = open.pop() {
            looked_at += 1;
            if looked_at > MAX_BRANCHES {
                break;
            }
            let field = |name: &str| node.child_by_field_name(name);
            match node.kind() {
                "parenthesized_expression" | "sequence_expression" => {
                    let mut cursor = node.walk();
                    open.extend(node.named_children(&mut cursor).filter(|child| child.kind() != "comment").last());
                }
                "ternary_expression" => open.extend([field("consequence"), field("alternative")].into_iter().flatten()),
                "binary_expression"
                    if matches!(field("operator").map(|token| token.kind()), Some("||" | "&&" | "??")) =>
                {
                    open.extend([field("left"), field("right")].into_iter().flatten());
                }
                "assignment_expression" => open.extend(field("right")),
                "identifier" => sources.variables.extend(text.get(node.byte_range()).map(str::to_owned)),
                "call_expression" => {
                    let function = field("function");
                    let name = function.and_then(|function| match function.kind() {
                        "identifier" => text.get(function.byte_range()),
                        "member_expression" => text.get(function.child_by_field_name("property")?.byte_range()),
                        _ => None,
                    });
                    sources.calls.push(name.map(str::to_owned));
                }
                _ => {}
            }
        }
        sources
    }
}

/// What the marked copy reported.
#[derive(Debug, Default)]
pub(in crate::proxies::pac) struct Tracker {
    /// The last report of each statement.
    reports: Vec<Option<Report>>,
    /// The last of all, with its moment.
    last: Option<(u64, usize)>,
    /// How many there were.
    count: u64,
}

#[derive(Debug)]
struct Report {
    at: u64,
    /// The value, where it was a text.
    value: Option<String>,
    /// The report before it.
    before: Option<(u64, usize)>,
}

impl Tracker {
    /// A statement of the marked copy had this value.
    pub fn report(&mut self, number: usize, value: Option<String>) {
        if number > MAX_DECISIONS {
            return;
        }
        if self.reports.len() <= number {
            self.reports.resize_with(number + 1, || None);
        }
        let at = self.count;
        self.count += 1;
        self.reports[number] = Some(Report { at, value, before: self.last });
        self.last = Some((at, number));
    }

    /// The moment from which on reports belong to the next question.
    pub fn now(&self) -> u64 {
        self.count
    }
}
