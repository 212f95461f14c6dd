//! fanfare.
