//! The embedded catalogue with the lab's roots in place of Microsoft's.
//!
//! It is rewritten as text and read again, so that a recording of the lab carries everything that it stands on.

use crate::catalogue::{Catalogue, CatalogueSource, TrustClass};
use crate::certificate::Certificate;

use super::authority::Mistake;

/// The catalogue of a world: its anchors, and what its blueprint calls retired.
pub(super) fn catalogue(anchors: &[(TrustClass, Certificate)], retired: &[&str]) -> Result<Catalogue, Mistake> {
    let mut text = with_anchors(&Catalogue::embedded().source.text, anchors)?;
    for name in retired {
        retire(&mut text, name)?;
    }
    let pem_of = |wanted: &str| anchors.iter().find(|(class, _)| file(*class) == wanted).map(|(_, root)| root.to_pem());
    let source = CatalogueSource::gather("the lab's catalogue", text, |name| {
        pem_of(name).ok_or_else(|| "the lab has no such file".to_owned())
    });
    Ok(Catalogue::read(source).map_err(|complaints| complaints.to_string())?)
}

fn file(class: TrustClass) -> String {
    format!("lab/{}.pem", class.id())
}

/// `text` with its sections on trust replaced.
fn with_anchors(text: &str, anchors: &[(TrustClass, Certificate)]) -> Result<String, Mistake> {
    let mut kept = Vec::new();
    let mut in_trust = false;
    for line in text.lines() {
        if line.starts_with('[') {
            in_trust = line.starts_with("[trust.");
        }
        if !in_trust {
            kept.push(line);
        }
    }
    let first_section = kept.iter().position(|line| line.starts_with('[')).ok_or("the catalogue has no section")?;
    let sections: Vec<String> = anchors
        .iter()
        .map(|(class, _)| format!("[trust.{}]\nanchors = [\"{}\"]\n", class.id(), file(*class)))
        .collect();
    let (head, rest) = kept.split_at(first_section);
    Ok(format!("{}\n{}\n{}\n", head.join("\n"), sections.join("\n"), rest.join("\n")))
}

fn retire(text: &mut String, name: &str) -> Result<(), Mistake> {
    const ACTIVE: &str = "lifecycle = \"active\"";
    let entry = text.find(&format!("name = \"{name}\"")).ok_or_else(|| format!("no endpoint is called {name}"))?;
    let at = entry + text[entry..].find(ACTIVE).ok_or_else(|| format!("{name} has no lifecycle"))?;
    text.replace_range(at..at + ACTIVE.len(), "lifecycle = \"retired\"");
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::catalogue::Lifecycle;
    use crate::lab::authority::Authorities;

    #[test]
    fn only_the_roots_and_what_is_retired_differ_from_the_embedded_catalogue() {
        let authorities = Authorities::new(Timestamp::UNIX_EPOCH).expect("keys");
        let anchors = TrustClass::ALL.map(|class| (class, authorities.anchor(class)));
        let lab = catalogue(&anchors, &["watson"]).expect("a catalogue");
        let embedded = Catalogue::embedded();
        for (class, anchor) in anchors {
            assert_eq!(lab.trust.class(class).anchors, [anchor]);
            assert!(lab.trust.class(class).helpers.is_empty());
        }
        assert_eq!(lab.control, embedded.control);
        for (ours, theirs) in lab.endpoints.iter().zip(&embedded.endpoints) {
            assert_eq!((&ours.name, &ours.url, &ours.trust), (&theirs.name, &theirs.url, &theirs.trust));
            assert_eq!(ours.lifecycle == Lifecycle::Retired, ours.name == "watson");
        }
        assert_eq!(lab.endpoints.len(), embedded.endpoints.len());
    }
}
