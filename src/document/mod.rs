//! Floor 1: text files with places.
//!
//! Owns TOML as a tree in which every value knows where it stands ([`Node`]), the registry of keys ([`Table`],
//! [`Key`]) that says which values are allowed where, the check of the one against the other with *all* faults
//! collected ([`Diagnostics`]), `--set` overrides, and typed reading ([`Reader`]). It must not know what any key
//! means: scenarios and catalogs bring their own registries, and drawing a diagnostic belongs to the report.

mod check;
mod diagnostic;
mod load;
mod node;
mod overrides;
mod reader;
mod registry;
mod suggest;

pub use diagnostic::{Code, Diagnostic, Diagnostics, FilePlace, Place};
pub use load::{LoadError, MAX_DOCUMENT_BYTES, load, read_file, regular_file};
pub use node::{Entry, Node, Origin, Source, Value};
pub use overrides::apply_override;
pub use reader::{Reader, Resolved};
pub use registry::{Default, Key, Kind, Table};
pub use suggest::{nearest, nearest_list};

pub use check::check;
