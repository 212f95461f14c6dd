//! Authorizers that every target can use: bearer, basic, API key.
