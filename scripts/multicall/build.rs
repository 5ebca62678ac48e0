//! The linker reads `layout.ld` (see `scripts/package`): when that changes, the binary is linked anew.

fn main() {
    println!("cargo::rerun-if-changed=layout.ld");
}
