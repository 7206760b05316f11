//! The engine: QuickJS with bounds on memory, stack and time, and nothing of this machine inside.
//!
//! In: a [`Task`], on a thread of its own. Out: what was [`Said`], as it is said. Never: a module loader, a file, a
//! socket, the machine's clock.

use std::cell::Cell;
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
use super::question::{Limits, Question, SharedNotes, with_notes};
use super::{Answer, FailureKind, Lookup, Place, Script, ScriptFailure, World};

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

/// What comes back, in this order: the script was read, then a reply for each question.
pub(super) enum Said {
    Loaded(Result<&'static str, ScriptFailure>),
    Replied(Result<Answer, ScriptFailure>),
}

/// Reads the script and asks it every question. That nobody listens any more is no failure.
pub(super) fn run(task: &Task, say: &Sender<Said>) {
    let watch = Rc::new(Stopwatch::new(task));
    let started = start(task, &watch);
    let (_runtime, context) = match started {
        Ok(started) => started,
        Err(error) => {
            let failure = ScriptFailure::of(FailureKind::NoEngine(error.to_string()));
            let _ = say.send(Said::Loaded(Err(failure)));
            return;
        }
    };
    context.with(|ctx| {
        watch.start();
        let loaded = load(&ctx, task).map_err(|error| failure(&ctx, task, &watch, &error));
        let loaded = loaded.and_then(|found| found.ok_or_else(|| ScriptFailure::of(FailureKind::NoFunction)));
        let (name, function) = match loaded {
            Ok(found) => found,
            Err(failure) => {
                let _ = say.send(Said::Loaded(Err(failure)));
                return;
            }
        };
        let _ = say.send(Said::Loaded(Ok(name)));
        for question in &task.questions {
            if task.abandoned.load(Ordering::Relaxed) {
                return;
            }
            watch.start();
            let reply = function
                .call::<_, Value>((question.url.as_str(), question.host.as_str()))
                .and_then(|value| read_reply(&value))
                .map_err(|error| failure(&ctx, task, &watch, &error))
                .and_then(|reply| reply);
            let _ = say.send(Said::Replied(reply));
        }
    });
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
fn load<'js>(ctx: &Ctx<'js>, task: &Task) -> rquickjs::Result<Option<(&'static str, Function<'js>)>> {
    define_functions(ctx, task)?;
    let prelude: Function = ctx.eval(PRELUDE)?;
    let notes = task.notes.clone();
    let note_chance = Function::new(ctx.clone(), move || with_notes(&notes, |notes| notes.chance = true))?;
    let offset = f64::from(task.world.offset.seconds()) * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any year fit a JavaScript number")]
    let moment = task.world.now.as_millisecond() as f64;
    prelude.call::<_, ()>((moment, offset, note_chance))?;

    let mut options = EvalOptions::default();
    // Scripts assign to variables that they never declared.
    options.strict = false;
    options.filename = Some(NAME.to_owned());
    ctx.eval_with_options::<(), _>(task.script.text(), options)?;
    for name in ["FindProxyForURLEx", "FindProxyForURL"] {
        // By its name and not as a property of the global object: `const` and `let` make no property.
        let found: Value = ctx.eval(format!("typeof {name} === 'function' ? {name} : undefined"))?;
        if let Some(function) = found.into_function() {
            return Ok(Some((name, function)));
        }
    }
    Ok(None)
}

/// A text is an answer, and null is the empty one; anything else is a mistake of the script.
fn read_reply(value: &Value) -> rquickjs::Result<Result<Answer, ScriptFailure>> {
    if let Some(text) = value.as_string() {
        return Ok(Ok(Answer::read(&text.to_string()?)));
    }
    let shown = match value.type_of() {
        Type::Null => return Ok(Ok(Answer::read(""))),
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
    known: std::cell::RefCell<BTreeMap<String, Vec<IpAddr>>>,
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

fn define_functions(ctx: &Ctx, task: &Task) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    define_name_functions(ctx, &globals)?;
    define_address_functions(ctx, &globals, task)?;
    define_time_functions(ctx, &globals, &task.world)?;
    let notes = task.notes.clone();
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

fn define_address_functions<'js>(ctx: &Ctx<'js>, globals: &Object<'js>, task: &Task) -> rquickjs::Result<()> {
    let ledger = Names::new(NameLedger {
        world: task.world.clone(),
        notes: task.notes.clone(),
        known: std::cell::RefCell::default(),
    });
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
    let notes = task.notes.clone();
    define(ctx, globals, "myIpAddress", move |_: Texts| {
        with_notes(&notes, |notes| notes.own_address = true);
        own_first.clone()
    })?;
    define(ctx, globals, "convert_addr", |given: Texts| addresses::convert_address(argument(&given, 0)))?;

    let ledger_ex = ledger.clone();
    define(ctx, globals, "dnsResolveEx", move |given: Texts| {
        addresses::list(&ledger_ex.addresses(argument(&given, 0)))
    })?;
    define(ctx, globals, "isResolvableEx", move |given: Texts| !ledger.addresses(argument(&given, 0)).is_empty())?;
    let notes = task.notes.clone();
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
