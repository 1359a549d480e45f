//! Puts the built page into the library: each file as it is, and compressed where that makes it smaller.
//!
//! The page is found in `ui/dist`, or where `STOA_UI_DIST` says. Without it the library has none, and says so to
//! whoever opens it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Kinds that are compressed already.
const DENSE: [&str; 8] = ["png", "jpg", "jpeg", "webp", "avif", "woff2", "gz", "br"];

// What a build script prints is what it tells cargo.
#[allow(clippy::print_stdout)]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STOA_UI_DIST");
    let out = folder("OUT_DIR")?;
    let dist = match std::env::var_os("STOA_UI_DIST") {
        Some(dist) => PathBuf::from(dist),
        None => folder("CARGO_MANIFEST_DIR")?.join("../../ui/dist"),
    };
    // Cargo builds anew each time where what it watches isn't there: so there is an empty folder, until it is filled.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    let index = dist.join("index.html");
    if index.is_file() {
        collect(&dist, "", &mut files)?;
        // A page that isn't of these sources is put in all the same: it may be of another tree, on purpose.
        let source = folder("CARGO_MANIFEST_DIR")?.join("../../ui/src");
        if std::env::var_os("STOA_UI_DIST").is_none() && source.is_dir() {
            println!("cargo::rerun-if-changed={}", source.display());
            let built = fs::metadata(&index)?.modified()?;
            if let Some(newer) = newer_than(built, &source)? {
                println!(
                    "cargo::warning=ui/dist is older than ui/src/{}: the page that is built in isn't the one of these sources. Run scripts/build-page",
                    newer.strip_prefix(&source).unwrap_or(&newer).display()
                );
            }
        }
    }
    files.sort();
    let mut text = String::from("pub(super) static FILES: &[File] = &[\n");
    for (number, name) in files.iter().enumerate() {
        let path = fs::canonicalize(dist.join(name))?;
        println!("cargo::rerun-if-changed={}", path.display());
        let brotli = PathBuf::from(format!("{}.br", path.display()));
        let gzip = compressed(&path, &out.join(format!("page-{number}.gz")))?;
        let one = |path: Option<&Path>| {
            path.map_or_else(
                || "None".to_owned(),
                |path| format!("Some(include_bytes!({:?}))", path.display().to_string()),
            )
        };
        let brotli = brotli.is_file().then_some(brotli.as_path());
        let _ = writeln!(
            text,
            "    File {{ path: {name:?}, plain: include_bytes!({:?}), gzip: {}, brotli: {} }},",
            path.display().to_string(),
            one(gzip.as_deref()),
            one(brotli),
        );
    }
    text.push_str("];\n");
    fs::write(out.join("page.rs"), text)
}

fn folder(variable: &str) -> io::Result<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{variable} isn't set")))
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if !name.starts_with('.') && ![".map", ".br", ".gz"].iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// A file below a folder that was changed after a moment.
fn newer_than(moment: SystemTime, folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = if entry.file_type()?.is_dir() {
            newer_than(moment, &entry.path())?
        } else {
            (entry.metadata()?.modified()? > moment).then(|| entry.path())
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The file compressed at `target`, where that saves a tenth of it or more.
fn compressed(path: &Path, target: &Path) -> io::Result<Option<PathBuf>> {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let plain = fs::read(path)?;
    // The shell is written anew for each answer.
    if DENSE.contains(&kind) || plain.len() < 512 || path.ends_with("index.html") {
        return Ok(None);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&plain)?;
    let dense = encoder.finish()?;
    if dense.len() * 10 > plain.len() * 9 {
        return Ok(None);
    }
    fs::write(target, dense)?;
    Ok(Some(target.to_owned()))
}
