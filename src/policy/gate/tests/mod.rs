//! The gate as tables: what is done to it, and what it lets through.

mod breakers;
mod doors;
mod limits;
mod properties;
mod script;
mod versions;
