//! What people and programs read: one rich report, made by hand, in every form.

mod story;

use waprobe::report::Report;
use waprobe::report::outcome::{self, FailOn};
use waprobe::report::table::{self, End, Layout};

fn table(report: &Report, width: usize) -> String {
    let mut out = Vec::new();
    let conclusion = outcome::conclude(report, &FailOn::default());
    let end = End { conclusion: &conclusion, exit: u8::from(!conclusion.is_good()) };
    table::write(report, end, Layout { width, colour: false, ascii: false, verbose: false }, &mut out).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn look() {
    for (name, report) in [("story", story::office()), ("clean", story::clean()), ("many", story::lab())] {
        for width in [60, 80, 120, 200] {
            println!("=== {name} {width} ===\n{}", table(&report, width));
        }
    }
}
