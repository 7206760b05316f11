//! The report as JSON: the contract, in a stable order of keys.

use std::io::{self, Write};

use serde::Serialize;

/// Writes `document` indented and with a newline at its end, as it goes: a large report is never held as text.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(document: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut buffered = io::BufWriter::new(out);
    serde_json::to_writer_pretty(&mut buffered, document).map_err(io::Error::from)?;
    buffered.write_all(b"\n")?;
    buffered.flush()
}
