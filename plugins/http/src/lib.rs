//! The declarative HTTP target.
