//! The variables of a URL (RFC 6570): values that the payload gives.

use fanfare_sdk::Payload;
use iri_string::template::context::{Context, Visitor};
use serde_json::Value;

/// Where the values of variables come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values<'p> {
    /// There are none.
    None,
    /// A short text for each: to see whether a template is one.
    Sample,
    /// A payload has them: names in the order of the target's expressions, from that place on.
    Of(&'p Payload, &'p [String], usize),
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::None | Self::Sample => None,
            Self::Of(payload, names, first) => {
                let place = names.iter().position(|known| known == name)?;
                payload.json_value(first + place)
            }
        }
    }

    /// Whether the variable is known, and is something that a URL can hold.
    pub(crate) fn check(&self, name: &str) -> Result<(), &'static str> {
        match self {
            Self::Of(_, names, _) if !names.iter().any(|known| known == name) => {
                return Err(" is not there, and the url needs it");
            }
            Self::None => return Err(" needs a payload"),
            Self::Sample | Self::Of(..) => {}
        }
        let flat = match self.get(name) {
            Some(Value::Array(items)) => items.iter().all(is_flat),
            Some(Value::Object(members)) => members.values().all(is_flat),
            Some(_) | None => true,
        };
        if flat { Ok(()) } else { Err(" gives a list or a map within another") }
    }

    /// Whether nothing would stand there.
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        match self.get(name) {
            None | Some(Value::Null) => !matches!(self, Self::Sample),
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(items)) => {
                items.is_empty() || items.iter().any(|it| text(it).is_empty())
            }
            Some(Value::Object(members)) => members.is_empty(),
            Some(Value::Bool(_) | Value::Number(_)) => false,
        }
    }
}

impl Context for Values<'_> {
    fn visit<V: Visitor>(&self, visitor: V) -> V::Result {
        if matches!(self, Self::Sample) {
            return visitor.visit_string("0");
        }
        match self.get(visitor.var_name().as_str()) {
            None | Some(Value::Null) => visitor.visit_undefined(),
            Some(Value::Array(items)) => {
                let items: Vec<_> = items.iter().filter(|it| !it.is_null()).map(text).collect();
                visitor.visit_list_direct(items)
            }
            Some(Value::Object(members)) => {
                let members = members.iter().filter(|(_, it)| !it.is_null());
                let members: Vec<_> = members.map(|(key, it)| (key.clone(), text(it))).collect();
                visitor.visit_assoc_direct(members)
            }
            Some(one) => visitor.visit_string(text(one)),
        }
    }
}

fn is_flat(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Along, Payload};
    use proptest::{prop_assert, proptest};
    use serde_json::{Value, json};

    use super::Values;
    use crate::template::Template;

    /// The URL for these values, without what is the same in all.
    fn expanded(template: &str, values: &Value) -> String {
        let members = values.as_object().unwrap();
        let names: Vec<_> = members.keys().cloned().collect();
        let along = Along { values: members.values().cloned().collect(), ..Along::default() };
        let payload = Payload::with("", "", along);
        let url = match Template::try_new(&format!("https://a.example/{template}")) {
            Ok(url) => url,
            Err(wrong) => return wrong.join("; "),
        };
        match url.expand(None, &Values::Of(&payload, &names, 0)) {
            Ok(uri) => uri.to_string().split_off("https://a.example/".len()),
            Err(error) => error.0,
        }
    }

    /// The values of RFC 6570, sections 1.2 and 3.2.
    fn values() -> Value {
        json!({
            "count": ["one", "two", "three"], "dom": ["example", "com"], "dub": "me/too",
            "hello": "Hello World!", "half": "50%", "var": "value", "who": "fred",
            "base": "http://example.com/home/", "path": "/foo/bar", "list": ["red", "green", "blue"],
            "keys": { "comma": ",", "dot": ".", "semi": ";" }, "v": "6", "x": 1024, "y": 768,
            "empty": "", "undef": null, "yes": true, "deep": [[1]],
        })
    }

    #[test]
    fn the_examples_of_rfc_6570() {
        #[track_caller]
        fn check(template: &str, expected: &str) {
            assert_eq!(expanded(template, &values()), expected, "{template}");
        }
        // Section 3.2.2.
        check("{var}", "value");
        check("{hello}", "Hello%20World%21");
        check("{half}", "50%25");
        check("O{x,y}X", "O1024,768X");
        check("{x,hello,y}", "1024,Hello%20World%21,768");
        check("{var:3}", "val");
        check("{var:30}", "value");
        check("{list}", "red,green,blue");
        check("{list*}", "red,green,blue");
        check("{keys}", "comma,%2C,dot,.,semi,%3B");
        check("{keys*}", "comma=%2C,dot=.,semi=%3B");
        // Section 3.2.3.
        check("{+hello}", "Hello%20World!");
        check("{+half}", "50%25");
        check("here{+path}/x", "here/foo/bar/x");
        check("up{+path}{var}/here", "up/foo/barvalue/here");
        check("{+list*}", "red,green,blue");
        // Sections 3.2.5, 3.2.6, 3.2.7.
        check("X{.var}", "X.value");
        check("X{.list*}", "X.red.green.blue");
        check("a{/var,x}/here", "a/value/1024/here");
        check("a{/var:1,var}", "a/v/value");
        check("a{/list*}", "a/red/green/blue");
        check("a{/keys*}", "a/comma=%2C/dot=./semi=%3B");
        check("a{;x,y}", "a;x=1024;y=768");
        check("a{;list*}", "a;list=red;list=green;list=blue");
        // Section 3.2.8 and 3.2.9: what is not there is left out of a query.
        check("{?who}", "?who=fred");
        check("{?half}", "?half=50%25");
        check("{?x,y,empty}", "?x=1024&y=768&empty=");
        check("{?x,y,undef}", "?x=1024&y=768");
        check("{?var:3}", "?var=val");
        check("{?list}", "?list=red,green,blue");
        check("{?list*}", "?list=red&list=green&list=blue");
        check("{?keys*}", "?comma=%2C&dot=.&semi=%3B");
        check("a?fixed=yes{&x}", "a?fixed=yes&x=1024");
        check("a?fixed=yes{&undef}", "a?fixed=yes");
        check("a?b={var}", "a?b=value");
        check("a?b={undef}", "a?b=");
        check("{yes}", "true");
    }

    #[test]
    fn nobody_gets_to_another_path() {
        #[track_caller]
        fn check(template: &str, id: &Value, expected: &str) {
            assert_eq!(expanded(template, &json!({ "id": id })), expected, "{template}");
        }
        let nothing = "`variables.id` gives nothing, and the path needs it";
        check("a/{id}", &json!(null), nothing);
        check("a/{id}", &json!(""), nothing);
        check("a{/id*}", &json!([]), nothing);
        check("a{/id*}", &json!(["b", ""]), nothing);
        check("a/{id}?b", &json!(null), nothing);
        check("a/{id}", &json!("../b"), "a/..%2Fb");
        let change = "a variable would change the path";
        check("a/{id}", &json!(".."), change);
        check("a/{id}/b", &json!("."), change);
        check("a/{+id}/b", &json!("c/../.."), change);
        check("a/{+id}", &json!("b#c"), change);
        check("a{/id*}", &json!(["b", ".."]), change);
        check("a/{id}", &json!([["b"]]), "`variables.id` gives a list or a map within another");
        check("a/{other}", &json!("b"), "`variables.other` is not there, and the url needs it");
        check("a/{id}", &json!("x".repeat(9_000)), "the url is too long");
    }

    proptest! {
        #[test]
        fn any_text_stays_within_its_segment(id in "\\PC{1,40}") {
            let found = expanded("a/{id}/b", &json!({ "id": id }));
            let stays = found.starts_with("a/") && found.ends_with("/b") && found.matches('/').count() == 2;
            prop_assert!(stays && !found.contains(['?', '#']) || found == "a variable would change the path", "{found}");
        }

        #[test]
        fn any_text_is_a_template_or_is_told(text in "[a-z{}+/?&;.:*0-9,#%=!]{0,30}") {
            if let Ok(template) = Template::try_new(&format!("https://a.example/{text}")) {
                drop(template.expand(None, &Values::None));
            }
        }
    }
}
