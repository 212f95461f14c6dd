//! Schemas as generators of clients understand them best: words that are told one by one, each with its meaning, become one
//! list of words.

use serde_json::{Value, json};

/// `oneOf` of several `const` becomes an `enum`; what is no word stays beside it.
pub(super) fn plain(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(map) => {
            map.values_mut().for_each(plain);
            let Some(Value::Array(forms)) = map.get("oneOf") else { return };
            let is_word = |form: &&Value| form["const"].is_string();
            let words: Vec<_> = forms.iter().filter(is_word).map(|it| &it["const"]).collect();
            if words.len() < 2 {
                return;
            }
            let words = json!({ "type": "string", "enum": words });
            let mut others: Vec<_> = forms.iter().filter(|it| !is_word(it)).cloned().collect();
            map.remove("oneOf");
            if others.is_empty() {
                map.extend(words.as_object().cloned().into_iter().flatten());
            } else {
                others.insert(0, words);
                map.insert("oneOf".to_owned(), others.into());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::plain;

    #[track_caller]
    fn check(mut schema: Value, expected: &Value) {
        plain(&mut schema);
        assert_eq!(&schema, expected);
    }

    #[test]
    fn words_become_one_list() {
        let word = |it: &str| json!({ "const": it, "type": "string", "description": it });
        let one = json!({ "oneOf": [word("a")], "description": "x" });
        check(one.clone(), &one);
        check(
            json!({ "p": { "oneOf": [word("a"), word("b")], "description": "x" } }),
            &json!({ "p": { "type": "string", "enum": ["a", "b"], "description": "x" } }),
        );
        check(
            json!({ "oneOf": [word("a"), { "type": "object" }, word("b")] }),
            &json!({ "oneOf": [{ "type": "string", "enum": ["a", "b"] }, { "type": "object" }] }),
        );
    }
}
