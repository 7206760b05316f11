//! `waprobe lab up`: the lab's servers for other processes, until Ctrl-C.
//!
//! Files for a check go into a folder, an option per line among them; what is printed says how to use them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::{Exit, Failure, files, lab_world, run};
use crate::lab::{Blueprint, Offer, World};
use crate::plan::{PlannedRoute, Scheme, SchemeChoice};

/// Starts the servers of `blueprint` and keeps them running. The folder is a new one, removed at the end, unless it is named.
pub(super) fn up(name: Option<&str>, blueprint: &Blueprint, folder: Option<&Path>) -> Result<Exit, Failure> {
    let world = lab_world::start(blueprint.clone())?;
    let offer = Offer::of(blueprint, &world).map_err(|reason| {
        let name = name.unwrap_or("story");
        Failure::usage(format!("'{name}' is about {reason}: 'waprobe lab {name}' shows it from inside"))
    })?;
    let folder = Folder::make(folder)?;
    let options = write(&folder.path, &world, &offer)?;
    run::on_the_network(async {
        let mut interrupted = std::pin::pin!(run::interrupt());
        // Heard from here on: whoever has read the text may end it at once.
        tokio::select! {
            biased;
            () = &mut interrupted => return Ok(()),
            () = std::future::ready(()) => {}
        }
        files::print(|out| tell(out, &folder, &options, &world, &offer))?;
        interrupted.await;
        Ok(())
    })??;
    Ok(Exit::Ok)
}

/// Where the files stand.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn make(named: Option<&Path>) -> Result<Self, Failure> {
        let fail = |path: &Path, error: &dyn std::fmt::Display| {
            Failure::usage(format!("could not make the folder {}: {error}", path.display()))
        };
        if let Some(path) = named {
            fs::create_dir_all(path).map_err(|error| fail(path, &error))?;
            let path = std::path::absolute(path).map_err(|error| fail(path, &error))?;
            return Ok(Self { path, is_ours: false });
        }
        // One that is there already is somebody else's.
        let path = std::env::temp_dir().join(format!("waprobe-lab-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| fail(&path, &error))?;
        Ok(Self { path, is_ours: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Writes what a check needs and returns its options' file.
fn write(folder: &Path, world: &World, offer: &Offer) -> Result<PathBuf, Failure> {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Failure::usage(format!("could not write {}: {error}", path.display())))?;
        Ok::<String, Failure>(path.display().to_string())
    };
    let source = &world.catalogue.source;
    let mut options = vec![format!("--catalogue={}", put(CATALOGUE, &source.text)?)];
    for (name, text) in &source.files {
        // What the built-in catalogue brings along is not named by this one.
        if let (true, Ok(text)) = (name.starts_with("lab/"), text) {
            put(name, text)?;
        }
    }
    let roots: String = world.machine_roots.iter().map(crate::certificate::Certificate::to_pem).collect();
    options.push(format!("--machine-roots={}", put(MACHINE_ROOTS, &roots)?));
    if world.routes.contains(&PlannedRoute::Direct) {
        let rules = offer.hosts.iter().map(|(host, port, address)| format!("--connect-to={host}:{port}={address}"));
        options.extend(rules);
    } else {
        options.push("--no-direct".to_owned());
    }
    options.extend(offer.proxies.iter().map(|(_, reached)| format!("--proxy={reached}")));
    let identities: BTreeSet<&str> = world.routes.iter().filter_map(|route| Some(route.identity()?.as_str())).collect();
    if !identities.is_empty() {
        options.push(format!("--identity={}", identities.into_iter().collect::<Vec<_>>().join(",")));
    }
    let schemes: BTreeSet<&str> = world
        .routes
        .iter()
        .filter_map(|route| match route {
            PlannedRoute::Proxy { scheme: SchemeChoice::Forced(scheme), .. } => Some(Scheme::as_str(*scheme)),
            _ => None,
        })
        .collect();
    if !schemes.is_empty() {
        options.push(format!("--scheme={}", schemes.into_iter().collect::<Vec<_>>().join(",")));
    }
    for (account, login, option) in [("user", &world.logins.user, "proxy"), ("device", &world.logins.device, "device")]
    {
        if let Some((name, password)) = login {
            let file = put(&format!("{account}-password"), password.expose_secret())?;
            options.push(format!("--{option}-user={name}"));
            options.push(format!("--{option}-password-file={file}"));
        }
    }
    for (is_set, option) in [
        (world.logins.basic_cleartext, "--allow-basic-cleartext"),
        (world.follow_ups.uploads, "--post"),
        (world.follow_ups.hellos, "--hellos"),
    ] {
        options.extend(is_set.then(|| option.to_owned()));
    }
    if let Some(expectation) = &offer.expectation {
        options.push(format!("--expect={}", put("expect.toml", expectation)?));
    }
    put("options", &(options.join("\n") + "\n"))?;
    Ok(folder.join("options"))
}

const CATALOGUE: &str = "catalogue.toml";
const MACHINE_ROOTS: &str = "machine-roots.pem";

/// What whoever started it reads.
fn tell(out: &mut dyn Write, folder: &Folder, options: &Path, world: &World, offer: &Offer) -> io::Result<()> {
    writeln!(out, "The lab's servers run until Ctrl-C. They listen on this machine alone:\n")?;
    let width = offer.hosts.iter().map(|(host, ..)| host.len() + 4).max().unwrap_or_default();
    for (host, port, address) in &offer.hosts {
        writeln!(out, "  {:width$}  {address}", format!("{host}:{port}"))?;
    }
    for (named, reached) in &offer.proxies {
        writeln!(out, "  {:width$}  {reached}", named.to_string())?;
    }
    let (options, place) = (options.display(), folder.path.display());
    writeln!(
        out,
        "\nA check of them, in a shell and in PowerShell ({place} has the files that it names{}):\n\n  \
         waprobe check $(cat {options})\n  waprobe check (Get-Content {options})",
        if folder.is_ours { ", until then" } else { "" }
    )?;
    let tls = world.catalogue.endpoints.iter().find(|endpoint| endpoint.is_tls());
    let server = tls.and_then(|endpoint| Some((endpoint, offer.hosts.iter().find(|known| known.0 == endpoint.host)?)));
    if let Some((endpoint, (host, port, address))) = server {
        let class = endpoint.trust.first().map(|class| class.id()).unwrap_or_default();
        let root = folder.path.join("lab").join(format!("{class}.pem"));
        let url = format!("https://{host}{}", endpoint.probe.path);
        writeln!(
            out,
            "\nOne request:\n\n  curl --cacert {} --connect-to {host}:{port}:{address} {url}",
            root.display()
        )?;
        if let Some((_, proxy)) = offer.proxies.first() {
            let roots = folder.path.join(MACHINE_ROOTS);
            writeln!(out, "  curl --cacert {} --proxy {proxy} {url}", roots.display())?;
        }
    }
    writeln!(out)
}
