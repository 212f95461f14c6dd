//! The program `fanfare` with the kind `acme` beside the bundled ones.

use std::process::ExitCode;

use fanfare_acme::AcmeKind;

fn main() -> ExitCode {
    fanfare::cli::run_with(|kinds| kinds.register(AcmeKind))
}
