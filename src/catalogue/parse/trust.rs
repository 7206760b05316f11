//! `[trust.<class>]`: the certificates of a class, from the PEM files that the catalogue names.

use std::collections::BTreeSet;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::CatalogueSource;
use super::section::{Mistakes, Section, Text, choose, texts};
use crate::catalogue::complaint::quotable;
use crate::catalogue::{ClassMaterial, Trust, TrustClass};
use crate::certificate::{Certificate, PemMistake};

const KEYS: [&str; 2] = ["anchors", "helpers"];
const EXAMPLE: &str = "anchors = [\"root.pem\"]";

/// The PEM files that a catalogue names, whatever else is wrong with it.
pub(super) fn named_files(root: &DeTable<'_>) -> BTreeSet<String> {
    let classes = root.get("trust").and_then(|trust| trust.get_ref().as_table()).into_iter().flat_map(DeTable::values);
    let lists = classes
        .filter_map(|class| class.get_ref().as_table())
        .flat_map(|class| KEYS.iter().filter_map(|key| class.get(*key)))
        .filter_map(|list| list.get_ref().as_array());
    lists.flat_map(|list| list.iter()).filter_map(|name| name.get_ref().as_str()).map(str::to_owned).collect()
}

/// The classes that a catalogue says nothing about: the built-in certificates stand for them.
pub(super) fn unnamed_classes(root: &DeTable<'_>) -> Vec<TrustClass> {
    let named = root.get("trust").and_then(|trust| trust.get_ref().as_table());
    TrustClass::ALL.into_iter().filter(|class| named.is_none_or(|named| named.get(class.id()).is_none())).collect()
}

/// Every class: as the catalogue says, or as this program knows it.
pub(super) fn read<'t>(
    value: Option<&'t Spanned<DeValue<'t>>>,
    source: &CatalogueSource,
    mistakes: &mut Mistakes,
) -> Trust {
    let mut trust = Trust::default();
    let mut named = BTreeSet::new();
    let known = TrustClass::ALL.map(TrustClass::id);
    // Unknown keys of this table are classes that do not exist; that is said in the loop, in its own words.
    if let Some(DeValue::Table(classes)) = value.map(Spanned::get_ref) {
        for (key, class) in classes {
            let name = Text { value: key.get_ref(), span: key.span() };
            let Some(chosen) =
                choose("trust class", &name, &TrustClass::ALL.map(|class| (class.id(), class)), mistakes)
            else {
                continue;
            };
            named.insert(chosen);
            *trust.class_mut(chosen) = read_class(class, source, mistakes);
        }
    } else if let Some(value) = value {
        // Not a table at all: `open` says so.
        let _ = Section::open("`trust`", value, &known, mistakes);
    }
    for class in TrustClass::ALL.into_iter().filter(|class| !named.contains(class)) {
        *trust.class_mut(class) = source.built_in(class);
    }
    trust
}

fn read_class<'t>(value: &'t Spanned<DeValue<'t>>, source: &CatalogueSource, mistakes: &mut Mistakes) -> ClassMaterial {
    let Some(section) = Section::open("[trust.<class>]", value, &KEYS, mistakes) else {
        return ClassMaterial::default();
    };
    let anchors = section.required("anchors", EXAMPLE, mistakes);
    if let Some(anchors) = anchors
        && matches!(anchors.get_ref(), DeValue::Array(list) if list.is_empty())
    {
        let message = "no anchor: nothing could ever be accepted for this class";
        let suggestion = format!("write `{EXAMPLE}`, or leave the class out for the built-in certificates");
        mistakes.add(&anchors.span(), message, suggestion);
    }
    ClassMaterial {
        anchors: anchors.map_or_else(Vec::new, |value| read_files("anchors", value, source, mistakes)),
        helpers: section.get("helpers").map_or_else(Vec::new, |value| read_files("helpers", value, source, mistakes)),
    }
}

fn read_files<'t>(
    key: &str,
    value: &'t Spanned<DeValue<'t>>,
    source: &CatalogueSource,
    mistakes: &mut Mistakes,
) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    let mut seen = BTreeSet::new();
    for name in texts(key, value, mistakes).unwrap_or_default() {
        if !seen.insert(name.value) {
            let message = format!("`{}` is listed twice", quotable(name.value));
            mistakes.add(&name.span, message, "remove one of them".to_owned());
            continue;
        }
        match source.files.get(name.value) {
            Some(Ok(pem)) => match Certificate::list_from_pem(pem) {
                Ok(list) => certificates.extend(list),
                Err(mistake) => {
                    let message = format!("`{}`: {mistake}", quotable(name.value));
                    mistakes.add(&name.span, message, advice(&mistake));
                }
            },
            Some(Err(error)) => {
                let message = format!("could not read `{}`: {}", quotable(name.value), quotable(error));
                mistakes.add(&name.span, message, "PEM files are looked for beside the catalogue".to_owned());
            }
            None => {
                let message = format!("`{}` did not come with the catalogue", quotable(name.value));
                mistakes.add(
                    &name.span,
                    message,
                    "the file belongs beside it, or into the recording that carries it".to_owned(),
                );
            }
        }
    }
    certificates
}

fn advice(mistake: &PemMistake) -> String {
    match mistake {
        PemMistake::NoCertificate => {
            "a certificate in DER is converted by `openssl x509 -inform der -in root.cer -out root.pem`".to_owned()
        }
        PemMistake::BadBlock { .. } | PemMistake::NotACertificate { .. } => {
            "export it once more, as Base-64 encoded X.509".to_owned()
        }
    }
}
