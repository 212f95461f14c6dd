//! What is wrong is taken out of a value, so that all the rest is still looked at.

use serde_json::Value;

use super::document::last;

/// What was done to an item of a list that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StoodIn {
    /// The item. Another one of the list stands there, so that those behind it keep their places.
    pub(super) pointer: String,
    /// Where that one stands, too.
    pub(super) like: String,
}

/// Takes out what stands at that pointer. Of an item of a list another one takes the place, and if there is none, the whole
/// list is taken out.
pub(super) fn remove(value: &mut Value, pointer: &str, done: &mut Vec<StoodIn>) {
    let Some(end) = pointer.rfind('/') else { return };
    match value.pointer_mut(&pointer[..end]) {
        Some(Value::Object(map)) => drop(map.remove(&last(pointer))),
        Some(Value::Array(_)) => replace(value, pointer, done),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
    }
}

/// The same for the innermost item of a list that the pointer leads into; says whether there is one.
pub(super) fn give_up(value: &mut Value, pointer: &str, done: &mut Vec<StoodIn>) -> bool {
    let mut ends: Vec<_> = pointer.match_indices('/').skip(1).map(|(at, _)| at).collect();
    ends.push(pointer.len());
    let item = ends.iter().rev().map(|end| &pointer[..*end]).find(|part| {
        let above = part.rfind('/').map_or("", |end| &part[..end]);
        matches!(value.pointer(above), Some(Value::Array(_)))
    });
    item.map(|item| replace(value, item, done)).is_some()
}

fn replace(value: &mut Value, item: &str, done: &mut Vec<StoodIn>) {
    let Some(end) = item.rfind('/') else { return };
    let (list, at) = (&item[..end], item[end + 1..].parse::<usize>().unwrap_or(0));
    let is_done = |at: usize| done.iter().any(|it| it.pointer == format!("{list}/{at}"));
    let Some(Value::Array(items)) = value.pointer_mut(list) else { return };
    // One before it first: what is there twice is told of the later one.
    let mut others = (0..at).rev().chain(at + 1..items.len());
    match others.find(|other| !is_done(*other)) {
        Some(like) if at < items.len() && !is_done(at) => {
            items[at] = items[like].clone();
            done.push(StoodIn { pointer: item.to_owned(), like: format!("{list}/{like}") });
        }
        Some(_) | None => remove(value, list, done),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{give_up, remove};

    #[track_caller]
    fn check(pointers: &[&str], expected: &serde_json::Value) {
        let mut value = json!({ "a": { "b": 1 }, "list": [1, { "c": [5] }, 3] });
        let mut done = Vec::new();
        pointers.iter().for_each(|pointer| remove(&mut value, pointer, &mut done));
        assert_eq!(value, *expected, "{pointers:?}");
    }

    #[test]
    fn what_is_wrong_is_taken_out_and_the_rest_stays_where_it_was() {
        check(&["/a/b"], &json!({ "a": {}, "list": [1, { "c": [5] }, 3] }));
        check(&["/list/1"], &json!({ "a": { "b": 1 }, "list": [1, 1, 3] }));
        check(&["/list/0"], &json!({ "a": { "b": 1 }, "list": [{ "c": [5] }, { "c": [5] }, 3] }));
        check(&["/list/2", "/list/1"], &json!({ "a": { "b": 1 }, "list": [1, 1, { "c": [5] }] }));
        check(&["/list/0", "/list/1", "/list/2"], &json!({ "a": { "b": 1 } }));
        check(&["/list/1/c/0"], &json!({ "a": { "b": 1 }, "list": [1, {}, 3] }));
        for nothing in ["", "/x/y", "/a/b/c", "/list/7"] {
            let whole = json!({ "a": { "b": 1 }, "list": [1, { "c": [5] }, 3] });
            let without = json!({ "a": { "b": 1 } });
            check(&[nothing], if nothing == "/list/7" { &without } else { &whole });
        }
    }

    #[test]
    fn the_innermost_item_is_given_up() {
        let mut value = json!({ "list": [1, { "c": [{ "d": 1 }, 5] }] });
        assert!(give_up(&mut value, "/list/1/c/0/d", &mut Vec::new()));
        assert_eq!(value, json!({ "list": [1, { "c": [5, 5] }] }));
        assert!(give_up(&mut value, "/list/1/c", &mut Vec::new()));
        assert_eq!(value, json!({ "list": [1, 1] }));
        assert!(!give_up(&mut value, "/other/d", &mut Vec::new()));
    }
}
