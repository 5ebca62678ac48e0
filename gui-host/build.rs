//! Makes sure that the folder of the built page exists, so that the host builds without it.

use std::{fs, path::Path};

fn main() {
    let page = Path::new("page/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", page.display());
    if let Err(error) = fs::create_dir_all(page) {
        // Not fatal: without the folder the host serves one line that says how to build the page.
        println!("cargo::warning=cannot make {}: {error}", page.display());
    }
}
