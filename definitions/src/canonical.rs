//! The canonical text of a definition, and its hash.

use crate::yaml::Node;
use sha2::{Digest, Sha256};

pub fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// The definition as canonical JSON; the order of keys is kept, since it is the order of buttons.
pub fn canonical(node: &Node) -> String {
    node.to_json().to_string()
}
