//! The signed webhook target: Standard Webhooks 1.0.0.
