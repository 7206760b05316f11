//! TOML to [`Catalogue`], mistakes collected instead of stopping at the first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Catalogue, Complaints};

/// A catalogue as text: its TOML and the PEM files it names. A recording carries this whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueSource {
    /// The file's name as given, or `the embedded catalogue`.
    pub origin: String,
    pub text: String,
    /// PEM text by the name the catalogue uses; a file that could not be read has its error here.
    pub files: BTreeMap<String, Result<String, String>>,
}

impl CatalogueSource {
    pub(super) fn embedded() -> Self {
        todo!()
    }

    /// `text` with every PEM file that it names read through `read`; what cannot be read becomes a complaint later.
    pub fn gather(_origin: &str, _text: String, _read: impl FnMut(&str) -> Result<String, String>) -> Self {
        todo!()
    }
}

pub(super) fn read(_source: CatalogueSource) -> Result<Catalogue, Complaints> {
    todo!()
}
