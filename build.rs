//! Gives `waprobe.exe` its version resource and its manifest. Other systems' programs have neither, and nothing is done.
//!
//! The manifest asks for no elevation, takes long paths, makes UTF-8 the code page of the calls that have one, and names
//! Windows 10 (which is also 11, and the servers since 2016), without which a program is told the version of Windows 8.

use std::env;

const MANIFEST: &str = "packaging/windows/waprobe.manifest";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={MANIFEST}");
    let is_for_windows = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "windows");
    if is_for_windows && let Err(error) = embed_resource() {
        println!("cargo::error=the version resource of the Windows program: {error}");
    }
}

fn embed_resource() -> Result<(), Box<dyn std::error::Error>> {
    winresource::WindowsResource::new()
        .set("FileDescription", &env::var("CARGO_PKG_DESCRIPTION")?)
        .set("ProductName", "waprobe")
        .set("InternalName", "waprobe")
        .set("OriginalFilename", "waprobe.exe")
        // As LICENSE has it; inventories list programs by company.
        .set("CompanyName", "the waprobe authors")
        .set(
            "LegalCopyright",
            &format!("Copyright (c) 2026 the waprobe authors, {} licence", env::var("CARGO_PKG_LICENSE")?),
        )
        .set_language(0x0409)
        .set_manifest(&std::fs::read_to_string(MANIFEST)?)
        // The program alone: tests are programs too, and need none.
        .compile_for("waprobe")?;
    Ok(())
}
