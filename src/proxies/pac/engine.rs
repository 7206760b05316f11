//! The engine: QuickJS with bounds on memory, stack and time, and nothing of this machine inside.
//!
//! In: a [`Task`], on a thread of its own. Out: what was [`Said`], as it is said. Never: a module loader, a file, a
//! socket, the machine's clock.
//!
//! A script runs up to three times, each in a realm of its own: as it is; as a marked copy, which says which line decided; and,
//! where it names something that only one of the two engines has, with what jscript.dll has built in.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::convert::Coerced;
use rquickjs::function::Rest;
use rquickjs::{Context, Ctx, Exception, Function, IntoJs, Object, Runtime, Type, Value};

use super::functions::{addresses, names, times};
use super::jscript::{JSCRIPT_PRELUDE, Syntax, Tracker};
use super::question::{Limits, Question, SharedNotes, with_notes};
use super::{
    Answer, FailureKind, Lookup, Obstacle, ObstacleKind, Place, Script, ScriptFailure, ScriptReadability, World,
    without_logins,
};

const PRELUDE: &str = include_str!("prelude.js");
/// The name under which the engine speaks of the script.
const NAME: &str = "script";
/// Names that one script may look up.
const MOST_LOOKUPS: usize = 256;
const LONGEST_NAME: usize = 253;
const MOST_ALERTS: usize = 20;
const LONGEST_ALERT: usize = 200;
const LONGEST_SHOWN_VALUE: usize = 60;

type Names = Rc<NameLedger>;
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// One script and what to ask it.
pub(super) struct Task {
    pub script: Script,
    pub questions: Vec<Question>,
    pub world: World,
    pub limits: Limits,
    pub notes: SharedNotes,
    /// Nobody waits any longer.
    pub abandoned: Arc<AtomicBool>,
}

/// What comes back, in this order: the script was read, a reply for each question, and what the further runs showed.
pub(super) enum Said {
    Loaded(Result<Loaded, ScriptFailure>),
    Replied(Result<Answer, ScriptFailure>),
    Looked(Vec<Look>),
}

/// A script that can be asked.
pub(super) struct Loaded {
    pub function: &'static str,
    pub readability: ScriptReadability,
}

/// What the further runs show of one question.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// The lines that decided the answer.
    pub decided: Vec<Place>,
    /// What stands in the way of jscript.dll on the way to it.
    pub obstacles: Vec<Obstacle>,
    /// The answer of a script that only jscript.dll can run.
    pub in_jscript: Option<Answer>,
}

/// Reads the script and asks it every question. That nobody listens any more is no failure.
pub(super) fn run(task: &Task, say: &Sender<Said>) {
    let watch = Rc::new(Stopwatch::new(task));
    let ledger =
        Names::new(NameLedger { world: task.world.clone(), notes: task.notes.clone(), known: RefCell::default() });
    let as_it_is = Run { text: task.script.text(), has_jscript: false, mark: None, notes: task.notes.clone() };
    let mut syntax = None;
    let mut replies: Vec<Result<Answer, ScriptFailure>> = Vec::new();
    let is_loaded = in_a_realm(task, &watch, &ledger, &as_it_is, &mut |event| match event {
        Event::Loaded(Err(failure)) => {
            let _ = say.send(Said::Loaded(Err(failure)));
        }
        Event::Loaded(Ok(function)) => {
            let read = Syntax::read(&task.script);
            let readability = read.readability.clone();
            syntax = Some(read);
            let _ = say.send(Said::Loaded(Ok(Loaded { function, readability })));
        }
        Event::Replied(reply) => {
            let reply = reply.map(|text| Answer::read(&text));
            replies.push(reply.clone());
            let _ = say.send(Said::Replied(reply));
        }
    });
    let Some(syntax) = syntax.filter(|_| is_loaded && replies.len() == task.questions.len()) else { return };
    let _ = say.send(Said::Looked(look_closer(task, &watch, &ledger, &syntax, &replies)));
}

/// The further runs, whose notes nobody needs: they ask the same as the first.
fn look_closer(
    task: &Task,
    watch: &Rc<Stopwatch>,
    ledger: &Names,
    syntax: &Syntax,
    replies: &[Result<Answer, ScriptFailure>],
) -> Vec<Look> {
    let mut looks = vec![Look::default(); replies.len()];
    if let Some((marked, name)) = syntax.decisions.mark(task.script.text()) {
        let tracker = Rc::new(RefCell::new(Tracker::default()));
        let mark = Some((name, tracker.clone()));
        let run = Run { text: &marked, has_jscript: false, mark, notes: SharedNotes::default() };
        let (mut asked, mut began) = (0, 0);
        in_a_realm(task, watch, ledger, &run, &mut |event| {
            let tracker = tracker.borrow();
            if let Event::Replied(reply) = event {
                // A copy that answers otherwise proves nothing of the script.
                if let (Ok(text), Some(Ok(answer))) = (&reply, replies.get(asked))
                    && Answer::read(text) == *answer
                {
                    looks[asked].decided = syntax.decisions.places(&tracker, began, text, &task.script);
                }
                asked += 1;
            }
            began = tracker.now();
        });
    }
    // What it cannot read at all it does not run either.
    let is_read = syntax.readability.obstacles.iter().all(|obstacle| obstacle.kind != ObstacleKind::Syntax);
    if is_read && syntax.may_differ() {
        let text = syntax.as_jscript_counts(task.script.text());
        let run = Run { text: &text, has_jscript: true, mark: None, notes: SharedNotes::default() };
        let mut asked = 0;
        in_a_realm(task, watch, ledger, &run, &mut |event| match event {
            Event::Loaded(Ok(_)) => {}
            Event::Loaded(Err(failure)) => {
                for (look, reply) in looks.iter_mut().zip(replies) {
                    look.compare(task, syntax, reply, Err(failure.clone()));
                }
                asked = replies.len();
            }
            Event::Replied(theirs) => {
                if let (Some(look), Some(reply)) = (looks.get_mut(asked), replies.get(asked)) {
                    look.compare(task, syntax, reply, theirs.map(|text| Answer::read(&text)));
                }
                asked += 1;
            }
        });
        for look in looks.iter_mut().skip(asked) {
            look.obstacles = Look::not_looked(&syntax.readability).obstacles;
        }
    }
    looks
}

impl Look {
    /// What is left open where the further runs did not come to an end.
    pub(super) fn not_looked(readability: &ScriptReadability) -> Self {
        let is_read = readability.obstacles.iter().all(|obstacle| obstacle.kind != ObstacleKind::Syntax);
        let what = "a run without the built-ins that jscript.dll lacks, which did not end in time".to_owned();
        let open = Obstacle { kind: ObstacleKind::VersionUnknown, what, place: None };
        Self { obstacles: is_read.then_some(open).into_iter().collect(), ..Self::default() }
    }

    /// What it means that the script answers one thing in a modern engine and another with what jscript.dll has.
    fn compare(
        &mut self,
        task: &Task,
        syntax: &Syntax,
        own: &Result<Answer, ScriptFailure>,
        theirs: Result<Answer, ScriptFailure>,
    ) {
        match (own, theirs) {
            (Err(_), Err(_)) => {}
            (Err(_), Ok(answer)) => self.in_jscript = Some(answer),
            (Ok(own), Ok(theirs)) if *own == theirs => {}
            (Ok(_), Ok(theirs)) => self.obstacles.push(Obstacle {
                kind: ObstacleKind::VersionUnknown,
                what: format!("another answer, {}, where it is run with what jscript.dll has built in", theirs.text),
                place: None,
            }),
            (Ok(_), Err(failure)) => {
                let is_missing = matches!(failure.kind, FailureKind::Threw(_) | FailureKind::NotText(_));
                let name = failure.place.as_ref().and_then(|place| syntax.foreign_at(&task.script, place));
                let what = match name {
                    Some(name) if is_missing => name.to_owned(),
                    _ => without_logins(&format!(
                        "a failure without the built-ins that jscript.dll lacks ({})",
                        failure.kind
                    )),
                };
                let kind = if is_missing { ObstacleKind::Missing } else { ObstacleKind::VersionUnknown };
                self.obstacles.push(Obstacle { kind, what, place: failure.place });
            }
        }
    }
}

/// One run of a script.
struct Run<'t> {
    text: &'t str,
    /// With what jscript.dll has built in, and nothing that came later.
    has_jscript: bool,
    /// The function that a marked copy reports to.
    mark: Option<(String, Rc<RefCell<Tracker>>)>,
    notes: SharedNotes,
}

/// What happens in a run.
enum Event {
    Loaded(Result<&'static str, ScriptFailure>),
    /// The answer as the script gave it.
    Replied(Result<String, ScriptFailure>),
}

/// Makes a realm, reads the text in it, and asks every question; whether it came to the questions.
fn in_a_realm(task: &Task, watch: &Rc<Stopwatch>, ledger: &Names, run: &Run<'_>, tell: &mut dyn FnMut(Event)) -> bool {
    let (_runtime, context) = match start(task, watch) {
        Ok(started) => started,
        Err(error) => {
            tell(Event::Loaded(Err(ScriptFailure::of(FailureKind::NoEngine(error.to_string())))));
            return false;
        }
    };
    context.with(|ctx| {
        watch.start();
        let loaded = load(&ctx, task, ledger, run).map_err(|error| failure(&ctx, task, watch, &error));
        let loaded = loaded.and_then(|found| found.ok_or_else(|| ScriptFailure::of(FailureKind::NoFunction)));
        let (name, function) = match loaded {
            Ok(found) => found,
            Err(failure) => {
                tell(Event::Loaded(Err(failure)));
                return false;
            }
        };
        tell(Event::Loaded(Ok(name)));
        for question in &task.questions {
            if task.abandoned.load(Ordering::Relaxed) {
                break;
            }
            watch.start();
            let reply = function
                .call::<_, Value>((question.url.as_str(), question.host.as_str()))
                .and_then(|value| read_reply(&value))
                .map_err(|error| failure(&ctx, task, watch, &error))
                .and_then(|reply| reply);
            tell(Event::Replied(reply));
        }
        true
    })
}

fn start(task: &Task, watch: &Rc<Stopwatch>) -> rquickjs::Result<(Runtime, Context)> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(task.limits.memory);
    runtime.set_max_stack_size(task.limits.stack);
    let watch = watch.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || watch.is_over())));
    let context = Context::custom::<Intrinsics>(&runtime)?;
    Ok((runtime, context))
}

/// Prepares the world, runs the script, and finds its function.
fn load<'js>(
    ctx: &Ctx<'js>,
    task: &Task,
    ledger: &Names,
    run: &Run<'_>,
) -> rquickjs::Result<Option<(&'static str, Function<'js>)>> {
    define_functions(ctx, task, ledger, &run.notes)?;
    let prelude: Function = ctx.eval(PRELUDE)?;
    let notes = run.notes.clone();
    let note_chance = Function::new(ctx.clone(), move || with_notes(&notes, |notes| notes.chance = true))?;
    let offset = f64::from(task.world.offset.seconds()) * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year fit a JavaScript number")]
    let moment = task.world.now.as_millisecond() as f64;
    prelude.call::<_, ()>((moment, offset, note_chance))?;
    if run.has_jscript {
        let strip: Function = ctx.eval(JSCRIPT_PRELUDE)?;
        strip.call::<_, String>(())?;
    }
    if let Some((name, tracker)) = &run.mark {
        define_mark(ctx, name, tracker.clone())?;
    }

    let mut options = EvalOptions::default();
    // Scripts assign to variables that they never declared.
    options.strict = false;
    options.filename = Some(NAME.to_owned());
    ctx.eval_with_options::<(), _>(run.text, options)?;
    for name in ["FindProxyForURLEx", "FindProxyForURL"] {
        // By its name and not as a property of the global object: `const` and `let` make no property.
        let found: Value = ctx.eval(format!("typeof {name} === 'function' ? {name} : undefined"))?;
        if let Some(function) = found.into_function() {
            return Ok(Some((name, function)));
        }
    }
    Ok(None)
}

/// The function that the statements of a marked copy report to: it gives back the value that it was given.
fn define_mark<'js>(ctx: &Ctx<'js>, name: &str, tracker: Rc<RefCell<Tracker>>) -> rquickjs::Result<()> {
    let mark = move |number: usize, value: Value<'js>| -> Value<'js> {
        let text = value.as_string().and_then(|text| text.to_string().ok());
        tracker.borrow_mut().report(number, text);
        value
    };
    ctx.globals().set(name, Function::new(ctx.clone(), mark)?)
}

/// A text is an answer, and null is the empty one; anything else is a mistake of the script.
fn read_reply(value: &Value) -> rquickjs::Result<Result<String, ScriptFailure>> {
    if let Some(text) = value.as_string() {
        return Ok(Ok(text.to_string()?));
    }
    let shown = match value.type_of() {
        Type::Null => return Ok(Ok(String::new())),
        Type::Undefined | Type::Uninitialized => "nothing (undefined)".to_owned(),
        Type::Bool | Type::Int | Type::Float => {
            let text: Coerced<String> = value.get()?;
            format!("the value {}", text.0.chars().take(LONGEST_SHOWN_VALUE).collect::<String>())
        }
        other => format!("a value of type {other}"),
    };
    Ok(Err(ScriptFailure::of(FailureKind::NotText(shown))))
}

/// What an error of the engine means; the thrown value is taken from the context.
fn failure(ctx: &Ctx, task: &Task, watch: &Stopwatch, error: &rquickjs::Error) -> ScriptFailure {
    let thrown = ctx.catch();
    if watch.fired.get() {
        return ScriptFailure::of(FailureKind::TimedOut(task.limits.question));
    }
    // The words below may take the script's own code to find (a getter, a `toString`), within what is left of its time.
    let (kind, stack) = match thrown.clone().into_object().and_then(Exception::from_object) {
        Some(exception) => {
            let name = exception.as_object().get::<_, Coerced<String>>("name").map(|name| name.0).unwrap_or_default();
            let message = exception.message().unwrap_or_default();
            (kind_of(&name, &message), exception.stack().unwrap_or_default())
        }
        None if error.is_exception() && (matches!(thrown.type_of(), Type::Null | Type::Uninitialized)) => {
            // No memory was left for the error that says so.
            (FailureKind::OutOfMemory, String::new())
        }
        None => {
            let text = if error.is_exception() {
                thrown.get::<Coerced<String>>().map(|text| format!("threw {}", text.0))
            } else {
                Ok(error.to_string())
            };
            (ScriptFailure::threw(&text.unwrap_or_else(|_| "threw something without a text".to_owned())), String::new())
        }
    };
    let _ = ctx.catch();
    if watch.fired.get() {
        return ScriptFailure::of(FailureKind::TimedOut(task.limits.question));
    }
    ScriptFailure { kind, place: place(&stack, &task.script) }
}

fn kind_of(name: &str, message: &str) -> FailureKind {
    if message == "out of memory" {
        FailureKind::OutOfMemory
    } else if message.contains("stack size exceeded") || message == "stack overflow" {
        FailureKind::TooDeep
    } else if name.is_empty() {
        ScriptFailure::threw(message)
    } else {
        ScriptFailure::threw(&format!("{name}: {message}"))
    }
}

/// The innermost place of the script in a stack such as `at FindProxyForURL (script:3:12)`.
fn place(stack: &str, script: &Script) -> Option<Place> {
    let start = stack.find(&format!("{NAME}:"))? + NAME.len() + 1;
    let mut numbers = stack[start..].split(|character: char| !character.is_ascii_digit());
    let line = numbers.next()?.parse().ok()?;
    let column = numbers.next().and_then(|column| column.parse().ok()).unwrap_or(1);
    Place::find(script, line, column)
}

/// The deadline of the present question, asked for by the engine as it works.
struct Stopwatch {
    limits: Limits,
    began: Instant,
    deadline: Cell<Instant>,
    abandoned: Arc<AtomicBool>,
    /// The script was stopped by us, whatever it says itself.
    fired: Cell<bool>,
}

impl Stopwatch {
    fn new(task: &Task) -> Self {
        let now = Instant::now();
        Self {
            limits: task.limits,
            began: now,
            deadline: Cell::new(now + task.limits.question),
            abandoned: task.abandoned.clone(),
            fired: Cell::new(false),
        }
    }

    fn start(&self) {
        self.fired.set(false);
        self.deadline.set((Instant::now() + self.limits.question).min(self.began + self.limits.whole));
    }

    fn is_over(&self) -> bool {
        let over = Instant::now() >= self.deadline.get() || self.abandoned.load(Ordering::Relaxed);
        if over {
            self.fired.set(true);
        }
        over
    }
}

/// The names that a script asks for: each is asked for once, and noted.
struct NameLedger {
    world: World,
    notes: SharedNotes,
    known: RefCell<BTreeMap<String, Vec<IpAddr>>>,
}

impl NameLedger {
    fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = literal.parse::<IpAddr>() {
            return vec![address];
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        // What JavaScript makes of a lookup that failed, passed on as a host.
        let is_nothing = matches!(name.as_str(), "" | "null" | "undefined");
        let is_name = !is_nothing
            && name.len() <= LONGEST_NAME
            && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '.' | '-' | '_'));
        if !is_name {
            return Vec::new();
        }
        let mut known = self.known.borrow_mut();
        if let Some(addresses) = known.get(&name) {
            return addresses.clone();
        }
        if known.len() >= MOST_LOOKUPS {
            return Vec::new();
        }
        let addresses = self.world.names.addresses(&name);
        with_notes(&self.notes, |notes| {
            notes.lookups.push(Lookup { name: name.clone(), addresses: addresses.clone() });
        });
        known.insert(name, addresses.clone());
        addresses
    }
}

type Texts = Rest<Coerced<String>>;

/// The argument at this place, or what JavaScript makes of one that is not there.
fn argument(arguments: &Texts, place: usize) -> &str {
    arguments.0.get(place).map_or("undefined", |argument| argument.0.as_str())
}

/// A text, or null and not undefined: scripts compare the answer with null.
struct OrNull(Option<String>);

impl<'js> IntoJs<'js> for OrNull {
    fn into_js(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        match self.0 {
            Some(text) => text.into_js(ctx),
            None => Ok(Value::new_null(ctx.clone())),
        }
    }
}

fn define_functions(ctx: &Ctx, task: &Task, ledger: &Names, notes: &SharedNotes) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    define_name_functions(ctx, &globals)?;
    define_address_functions(ctx, &globals, task, ledger, notes)?;
    define_time_functions(ctx, &globals, &task.world)?;
    let notes = notes.clone();
    define(ctx, &globals, "alert", move |arguments: Texts| {
        with_notes(&notes, |notes| {
            if notes.alerts.len() < MOST_ALERTS {
                notes.alerts.push(argument(&arguments, 0).chars().take(LONGEST_ALERT).collect());
            }
        });
    })?;
    define(ctx, &globals, "getClientVersion", |_: Texts| "1.0")
}

fn define_name_functions<'js>(ctx: &Ctx<'js>, globals: &Object<'js>) -> rquickjs::Result<()> {
    define(ctx, globals, "isPlainHostName", |given: Texts| names::is_plain_host_name(argument(&given, 0)))?;
    define(ctx, globals, "dnsDomainIs", |given: Texts| names::dns_domain_is(argument(&given, 0), argument(&given, 1)))?;
    define(ctx, globals, "localHostOrDomainIs", |given: Texts| {
        names::local_host_or_domain_is(argument(&given, 0), argument(&given, 1))
    })?;
    define(ctx, globals, "dnsDomainLevels", |given: Texts| {
        u32::try_from(names::dns_domain_levels(argument(&given, 0))).unwrap_or(u32::MAX)
    })?;
    define(ctx, globals, "shExpMatch", |given: Texts| {
        names::shell_expression_matches(argument(&given, 0), argument(&given, 1))
    })
}

fn define_address_functions<'js>(
    ctx: &Ctx<'js>,
    globals: &Object<'js>,
    task: &Task,
    ledger: &Names,
    shared: &SharedNotes,
) -> rquickjs::Result<()> {
    let first = {
        let ledger = ledger.clone();
        move |name: &str| addresses::first_v4(&ledger.addresses(name))
    };
    let own: Vec<IpAddr> = task.world.own_addresses.clone();
    let own_first = addresses::first_v4(&own).unwrap_or(std::net::Ipv4Addr::LOCALHOST).to_string();

    let resolve = first.clone();
    define(ctx, globals, "dnsResolve", move |given: Texts| {
        OrNull(resolve(argument(&given, 0)).map(|address| address.to_string()))
    })?;
    let resolve = first.clone();
    define(ctx, globals, "isResolvable", move |given: Texts| resolve(argument(&given, 0)).is_some())?;
    define(ctx, globals, "isInNet", move |given: Texts| {
        first(argument(&given, 0))
            .is_some_and(|address| addresses::is_in_net(address, argument(&given, 1), argument(&given, 2)))
    })?;
    let notes = shared.clone();
    define(ctx, globals, "myIpAddress", move |_: Texts| {
        with_notes(&notes, |notes| notes.own_address = true);
        own_first.clone()
    })?;
    define(ctx, globals, "convert_addr", |given: Texts| addresses::convert_address(argument(&given, 0)))?;

    let ledger_ex = ledger.clone();
    define(ctx, globals, "dnsResolveEx", move |given: Texts| {
        addresses::list(&ledger_ex.addresses(argument(&given, 0)))
    })?;
    let ledger = ledger.clone();
    define(ctx, globals, "isResolvableEx", move |given: Texts| !ledger.addresses(argument(&given, 0)).is_empty())?;
    let notes = shared.clone();
    define(ctx, globals, "myIpAddressEx", move |_: Texts| {
        with_notes(&notes, |notes| notes.own_address = true);
        addresses::list(&own)
    })?;
    define(ctx, globals, "sortIpAddressList", |given: Texts| addresses::sort(argument(&given, 0)))?;
    define(ctx, globals, "isInNetEx", |given: Texts| {
        // Addresses only: this function looks nothing up.
        let address = argument(&given, 0).parse::<IpAddr>();
        address.is_ok_and(|address| addresses::is_in_net_ex(address, argument(&given, 1)))
    })
}

fn define_time_functions<'js>(ctx: &Ctx<'js>, globals: &Object<'js>, world: &World) -> rquickjs::Result<()> {
    type Range = fn(jiff::civil::DateTime, &[String]) -> bool;
    let ranges: [(&str, Range); 3] =
        [("weekdayRange", times::weekday_range), ("dateRange", times::date_range), ("timeRange", times::time_range)];
    for (name, range) in ranges {
        let (here, greenwich) = (world.time(false), world.time(true));
        define(ctx, globals, name, move |given: Texts| {
            let mut arguments: Vec<String> = given.0.into_iter().map(|argument| argument.0).collect();
            let now = if times::take_gmt(&mut arguments) { greenwich } else { here };
            range(now, &arguments)
        })?;
    }
    Ok(())
}

fn define<'js, P, F>(ctx: &Ctx<'js>, globals: &Object<'js>, name: &'static str, function: F) -> rquickjs::Result<()>
where
    F: rquickjs::function::IntoJsFunc<'js, P> + 'js,
{
    globals.set(name, Function::new(ctx.clone(), function)?.with_name(name)?)
}
