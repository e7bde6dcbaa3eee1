//! The index of words.

/// Words come with a space between.
pub const PUT: &str = "INSERT INTO search (doc, words) SELECT a, array_to_tsvector(string_to_array(b, ' ')) FROM unnest({}) x (a, b) \
     ON CONFLICT (doc) DO UPDATE SET words = excluded.words";
