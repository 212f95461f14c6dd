//! The program `fanfare`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanfare::cli::run()
}
