//! The payloads: orders of a shop, as they are sent to APIs.

use serde_json::{Value, json};

use super::row::Size;

/// Lines that make the large order about 100 kB long.
const LINES: u32 = 920;

/// A document of that size.
pub(crate) fn payload(size: Size) -> Value {
    match size {
        Size::Small => {
            json!({ "id": 4711, "name": "Ada Lovelace", "email": "ada@example.org", "total": 19.99, "paid": true, "tags": ["new"] })
        }
        Size::Large => json!({ "id": 4711, "lines": (0..LINES).map(line).collect::<Vec<_>>() }),
    }
}

fn line(number: u32) -> Value {
    json!({
        "line": number,
        "sku": format!("SKU-{number:06}"),
        "title": "A book about engines, \"analytical\"",
        "quantity": number % 7 + 1,
        "price": f64::from(number % 100) + 0.99,
    })
}
