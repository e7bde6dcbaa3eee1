//! Comparison of secrets.

use subtle::ConstantTimeEq;

/// Compares a text with a secret in a time that tells nothing of where they differ. No text equals an empty secret.
pub fn is_secret(given: &str, secret: &str) -> bool {
    !secret.is_empty() && bool::from(given.as_bytes().ct_eq(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        assert!(is_secret("abc", "abc"));
        for wrong in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(!is_secret(wrong, "abc"), "{wrong}");
        }
        assert!(!is_secret("", ""));
    }
}
