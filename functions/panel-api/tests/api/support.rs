//! A workspace and people to come in.
