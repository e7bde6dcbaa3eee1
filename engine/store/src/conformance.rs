//! One suite for every backend: a backend is done when it passes.
