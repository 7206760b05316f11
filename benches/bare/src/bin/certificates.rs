//! Certificates for a benchmark: a root, an issuer, and leaves with a key each.
//!
//! In: a folder, and how many leaves. Out: `root.pem`; `chain/NAME.pem` and `key/NAME.pem` for the names
//! `n00001.bench.example`, … of five digits; and `chain/all.pem` with `key/all.pem` for a leaf of `*.bench.example`. The leaves
//! have P-256 keys, the root and the issuer P-384, as Microsoft's newer public issuers do.

use std::error::Error;
use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, leaves] = arguments.as_slice() else { return Err("usage: certificates FOLDER LEAVES".into()) };
    let (folder, leaves): (&Path, usize) = (Path::new(folder), leaves.parse()?);
    fs::create_dir_all(folder.join("chain"))?;
    fs::create_dir_all(folder.join("key"))?;
    let root = CertifiedIssuer::self_signed(authority("Bench root"), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
    let issuer = CertifiedIssuer::signed_by(authority("Bench issuer"), key, &root)?;
    fs::write(folder.join("root.pem"), root.pem())?;
    let names = (1..=leaves).map(|number| format!("n{number:05}.bench.example"));
    let names = names.map(|name| (name.clone(), name)).chain([("all".to_owned(), "*.bench.example".to_owned())]);
    for (file, name) in names {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut leaf = CertificateParams::new(vec![name.clone()])?;
        leaf.distinguished_name.push(DnType::CommonName, name);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.use_authority_key_identifier_extension = true;
        let chain = leaf.signed_by(&key, &issuer)?.pem() + &issuer.pem();
        fs::write(folder.join("chain").join(format!("{file}.pem")), chain)?;
        fs::write(folder.join("key").join(format!("{file}.pem")), key.serialize_pem())?;
    }
    Ok(())
}

fn authority(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
}
