//! The configurations that the front page and the guides show are right.

use std::{fs, path::Path};

use fanfare::config::{Lookup, load_str};

use crate::config::kinds;

const PAGES: [&str; 3] = ["README.md", "docs/getting-started.md", "docs/configuration.md"];

/// Whatever a page refers to is there, and fits.
struct Everything;

impl Lookup for Everything {
    fn env(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some("s3cret-token".to_owned()))
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())
    }
}

#[test]
fn every_whole_configuration_is_right() {
    for page in PAGES {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let whole: Vec<_> = blocks.filter(|block| block.contains("routes:\n")).collect();
        assert!(!whole.is_empty(), "{page} shows no whole configuration");
        for block in whole {
            let read = load_str(page, block, &kinds(), &Everything);
            assert!(read.is_ok(), "{block}\n{}", read.unwrap_err());
        }
    }
}
