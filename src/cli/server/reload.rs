//! `fanfare reload`.

use std::io;

use serde_json::Value;

use super::{args::ReloadArgs, client::Client};
use crate::{
    cli::{args::Output, output::warn, run::Status},
    wire::listing::{Changes, Reloaded},
};

/// Lets a daemon read its configuration again.
pub(in crate::cli) fn reload(args: &ReloadArgs) -> io::Result<Status> {
    super::lists::run(async {
        let client = Client::new(&args.server.server, &args.server.credentials)?;
        let answer = client.post("/v1/reload", &Value::Null).await?;
        let told: Reloaded = answer.read()?;
        let text = match args.server.output {
            Output::Json => answer.pretty()?,
            Output::Text => said(&told),
        };
        super::lists::say(&text)?;
        if args.server.output == Output::Text && !told.restart.is_empty() {
            warn(&format!("holds after a restart only: {}", told.restart.join(", ")));
        }
        Ok(Status::Satisfied)
    })
}

/// A line for each name that came, changed or went.
fn said(told: &Reloaded) -> String {
    let mut lines = Vec::new();
    for (what, Changes { added, replaced, removed }) in
        [("target", &told.targets), ("route", &told.routes)]
    {
        for (names, verb) in [(added, "added"), (replaced, "replaced"), (removed, "removed")] {
            lines.extend(names.iter().map(|name| format!("{verb}  {what}  {name}\n")));
        }
    }
    if told.engine {
        lines.push("replaced  engine\n".to_owned());
    }
    if lines.is_empty() { "nothing has changed\n".to_owned() } else { lines.concat() }
}
