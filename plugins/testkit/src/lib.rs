//! For authors of targets: a conformance suite and a scripted mock API.
