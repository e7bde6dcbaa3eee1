//! Regular expressions of bounded size.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// A regular expression of bounded size; compiled ones are kept, since definitions use few.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, String> {
    static CACHE: Mutex<BTreeMap<String, regex::Regex>> = Mutex::new(BTreeMap::new());
    let mut cache = CACHE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(regex) = cache.get(pattern) {
        return Ok(regex.clone());
    }
    let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).nest_limit(50).build();
    let regex = built.map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        _ => format!("`{pattern}` is not a regular expression"),
    })?;
    if cache.len() >= 256 {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}
