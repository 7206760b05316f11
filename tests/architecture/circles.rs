//! Modules of one folder use each other in one direction only, so that each can be read without the one that uses it.
//!
//! What a folder's own `mod.rs` defines belongs to all of its modules and makes no arrow; a name that it only passes on
//! from a child counts as that child's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use super::named_paths::{named_paths, taken_from_children};
use super::{before_tests, place_of, rust_files};

/// The modules of a folder, and for each the siblings that it names, with the place of one such name.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn no_modules_of_one_folder_use_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for (folder, arrows) in arrows_by_folder() {
        let circle = shortest_circle(&arrows).unwrap_or_default();
        for step in circle.windows(2) {
            wrong.push(format!("src/{folder}: {} names {} at {}", step[0], step[1], arrows[&step[0]][&step[1]]));
        }
    }
    assert!(wrong.is_empty(), "circles:\n{}", wrong.join("\n"));
}

#[test]
fn the_arrows_of_the_folders_are_found() {
    let folders = arrows_by_folder();
    assert!(folders["judge"]["row"].contains_key("cause"), "judge/row.rs names causes through judge/mod.rs");
    assert!(folders[""]["cli"].contains_key("report"));
}

#[test]
fn a_circle_is_named_by_its_shortest_way_round() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut arrows = Arrows::new();
        for (from, to) in pairs {
            arrows.entry((*from).to_owned()).or_default().insert((*to).to_owned(), String::new());
        }
        arrows
    };
    assert_eq!(shortest_circle(&arrows(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    let circle = shortest_circle(&arrows(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "c")]));
    assert_eq!(circle.as_deref(), Some(["c", "d", "c"].map(str::to_owned).as_slice()));
}

fn arrows_by_folder() -> BTreeMap<String, Arrows> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut files = Vec::new();
    for file in rust_files(root) {
        let place = place_of(&file);
        let is_entrance = place == ["lib"] || place == ["main"];
        if !is_entrance && place.iter().all(|part| part != "tests") {
            let text = before_tests(&fs::read_to_string(&file).expect("a source file is readable"));
            files.push((place, text, file));
        }
    }
    let modules: BTreeSet<Vec<String>> = files.iter().map(|(place, ..)| place.clone()).collect();
    let taken: Vec<Vec<String>> = files.iter().flat_map(|(place, text, _)| taken_from_children(text, place)).collect();
    let mut folders: BTreeMap<String, Arrows> = BTreeMap::new();
    for (place, text, file) in &files {
        for named in named_paths(text, place) {
            let target = to_its_module(named.path, &modules, &taken);
            let shared = place.iter().zip(&target).take_while(|(ours, theirs)| ours == theirs).count();
            let (Some(from), Some(to)) = (place.get(shared), target.get(shared)) else { continue };
            if modules.contains(&target[..=shared]) {
                let spot = format!("{}:{}", file.strip_prefix(root).expect("below src").display(), named.line);
                let arrows = folders.entry(place[..shared].join("/")).or_default();
                arrows.entry(from.clone()).or_default().entry(to.clone()).or_insert(spot);
            }
        }
    }
    folders
}

/// Follows a name that modules only pass on, from child to child, to the module that has it.
fn to_its_module(mut path: Vec<String>, modules: &BTreeSet<Vec<String>>, taken: &[Vec<String>]) -> Vec<String> {
    // Each step leads into a child, so a path is followed as often as folders are nested, and never for ever.
    for _ in 0..8 {
        let depth = (0..=path.len()).rev().find(|depth| modules.contains(&path[..*depth])).unwrap_or(0);
        let Some(name) = path.get(depth) else { return path };
        let child = taken.iter().find(|from| {
            from.len() > depth + 1
                && from[..depth] == path[..depth]
                && modules.contains(&from[..=depth])
                && from.last() == Some(name)
        });
        let Some(child) = child else { return path };
        path = child.iter().chain(&path[depth + 1..]).cloned().collect();
    }
    path
}

/// The modules along the shortest circle, the first of them again at the end.
fn shortest_circle(arrows: &Arrows) -> Option<Vec<String>> {
    let circles = arrows.keys().filter_map(|start| {
        let mut ways = VecDeque::from([vec![start.clone()]]);
        let mut visited = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for next in arrows.get(way.last()?).into_iter().flat_map(BTreeMap::keys) {
                let further: Vec<String> = way.iter().chain([next]).cloned().collect();
                if next == start {
                    return Some(further);
                } else if visited.insert(next.clone()) {
                    ways.push_back(further);
                }
            }
        }
        None
    });
    circles.min_by_key(Vec::len)
}
