//! The behaviour of a delivery as tables: what the API does, and what becomes of the delivery.

mod attempts;
mod fallbacks;
mod harness;
mod hedges;
mod properties;
mod steps;
mod ways;
