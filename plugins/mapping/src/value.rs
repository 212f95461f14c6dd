//! Values from JSON and to JSON. On the way out, size and depth are checked before each part is added.

use std::io;

use jaq_core::ValT as _;
use jaq_json::{Map, Num, Rc, Val};
use serde_json::{Number, Value};

use crate::RunError;

/// How deep an output may be. Deeper ones could exhaust the stack of a thread.
pub(crate) const OUTPUT_DEPTH_MAX: usize = 64;

/// How deep an input may be: what serde_json reads at most.
const INPUT_DEPTH_MAX: usize = 128;

/// Up to here a float holds every integer exactly.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// JSON text that stops growing at its limit.
struct Writer {
    bytes: Vec<u8>,
    max: usize,
}

/// What an output may still grow by.
struct Budget {
    left: usize,
    max: usize,
}

pub(crate) fn from_json(input: &Value) -> Result<Val, RunError> {
    from_json_at(input, 0)
}

fn from_json_at(input: &Value, depth: usize) -> Result<Val, RunError> {
    if depth > INPUT_DEPTH_MAX {
        return Err(RunError::TooDeep { max: INPUT_DEPTH_MAX });
    }
    Ok(match input {
        Value::Null => Val::Null,
        Value::Bool(it) => Val::Bool(*it),
        Value::Number(it) => Val::Num(num(it)),
        Value::String(it) => Val::utf8_str(it.as_bytes().to_vec()),
        Value::Array(items) => {
            let items = items.iter().map(|it| from_json_at(it, depth + 1));
            Val::Arr(Rc::new(items.collect::<Result<_, _>>()?))
        }
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, it)| {
                Ok((Val::utf8_str(key.as_bytes().to_vec()), from_json_at(it, depth + 1)?))
            });
            Val::obj(pairs.collect::<Result<Map, RunError>>()?)
        }
    })
}

/// `1.0` stays a literal, so that it is written as it came until something is calculated from it.
fn num(number: &Number) -> Num {
    if let Some(it) = number.as_i64() {
        return Num::from_integral(it);
    }
    if let Some(it) = number.as_u64() {
        return Num::from_integral(it);
    }
    match number.as_f64() {
        Some(it) if !is_integer(it) => Num::Float(it),
        _ => Num::Dec(Rc::new(number.to_string())),
    }
}

fn is_integer(float: f64) -> bool {
    float.fract() == 0.0 && float.abs() <= EXACT_MAX
}

/// A number as JSON has it: exact up to 64 bits, a float beyond. What was calculated and came out whole is whole.
fn number(num: &Num) -> Result<Number, RunError> {
    let float = match num {
        Num::Int(it) => return Ok(Number::from(*it)),
        Num::BigInt(it) => {
            if let Ok(it) = u64::try_from(&**it) {
                return Ok(Number::from(it));
            }
            if let Ok(it) = i64::try_from(&**it) {
                return Ok(Number::from(it));
            }
            it.to_string().parse().unwrap_or(f64::NAN)
        }
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        Num::Float(it) if is_integer(*it) => return Ok(Number::from(*it as i64)),
        Num::Float(it) => *it,
        Num::Dec(it) => it.parse().unwrap_or(f64::NAN),
    };
    Number::from_f64(float)
        .ok_or_else(|| failed("the output has a number that is not finite, which JSON cannot say"))
}

fn failed(message: &str) -> RunError {
    RunError::Failed(message.to_owned())
}

fn key_of(key: &Val) -> Result<String, RunError> {
    match key {
        Val::TStr(it) => Ok(String::from_utf8_lossy(it).into_owned()),
        _ => Err(failed("the output has an object with a key that is not a string")),
    }
}

fn no_bytes() -> RunError {
    failed("the output has a string of bytes, which JSON cannot say")
}

fn deeper(depth: usize) -> Result<usize, RunError> {
    if depth >= OUTPUT_DEPTH_MAX {
        return Err(RunError::TooDeep { max: OUTPUT_DEPTH_MAX });
    }
    Ok(depth + 1)
}

/// The value as JSON text, keys in their order.
pub(crate) fn to_bytes(value: &Val, bytes_max: usize) -> Result<Vec<u8>, RunError> {
    let mut writer = Writer { bytes: Vec::new(), max: bytes_max };
    writer.value(value, 0)?;
    Ok(writer.bytes)
}

/// A string as it is, anything else as JSON text.
pub(crate) fn to_text(value: &Val, bytes_max: usize) -> Result<Vec<u8>, RunError> {
    match value {
        Val::TStr(it) if it.len() > bytes_max => Err(RunError::TooLarge { max: bytes_max }),
        Val::TStr(it) => Ok(it.to_vec()),
        _ => to_bytes(value, bytes_max),
    }
}

pub(crate) fn to_json(value: &Val, bytes_max: usize) -> Result<Value, RunError> {
    Budget { left: bytes_max, max: bytes_max }.value(value, 0)
}

/// Drops a value of any depth without recursion, which could exhaust the stack.
pub(crate) fn dismantle(value: Val) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Val::Arr(it) => rest.extend(Rc::try_unwrap(it).unwrap_or_default()),
            Val::Obj(it) => {
                let pairs = Rc::try_unwrap(it).unwrap_or_default();
                rest.extend(pairs.into_iter().flat_map(|(key, value)| [key, value]));
            }
            Val::Null | Val::Bool(_) | Val::Num(_) | Val::BStr(_) | Val::TStr(_) => {}
        }
    }
}

pub(crate) fn is_true(value: &Val) -> bool {
    value.as_bool()
}

// === impl Writer ===

impl Writer {
    fn value(&mut self, value: &Val, depth: usize) -> Result<(), RunError> {
        match value {
            Val::Null => self.put(b"null"),
            Val::Bool(true) => self.put(b"true"),
            Val::Bool(false) => self.put(b"false"),
            Val::Num(it) => self.number(&number(it)?),
            Val::TStr(it) => self.string(&String::from_utf8_lossy(it)),
            Val::BStr(_) => Err(no_bytes()),
            Val::Arr(items) => {
                let depth = deeper(depth)?;
                self.put(b"[")?;
                for (at, item) in items.iter().enumerate() {
                    self.put(if at == 0 { b"" } else { b"," })?;
                    self.value(item, depth)?;
                }
                self.put(b"]")
            }
            Val::Obj(pairs) => {
                let depth = deeper(depth)?;
                self.put(b"{")?;
                for (at, (key, value)) in pairs.iter().enumerate() {
                    self.put(if at == 0 { b"" } else { b"," })?;
                    self.string(&key_of(key)?)?;
                    self.put(b":")?;
                    self.value(value, depth)?;
                }
                self.put(b"}")
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        if bytes.len() > self.max - self.bytes.len() {
            return Err(RunError::TooLarge { max: self.max });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn number(&mut self, number: &Number) -> Result<(), RunError> {
        let max = self.max;
        serde_json::to_writer(self, number).map_err(|_| RunError::TooLarge { max })
    }

    fn string(&mut self, string: &str) -> Result<(), RunError> {
        let max = self.max;
        serde_json::to_writer(self, string).map_err(|_| RunError::TooLarge { max })
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === impl Budget ===

impl Budget {
    fn value(&mut self, value: &Val, depth: usize) -> Result<Value, RunError> {
        Ok(match value {
            Val::Null => {
                self.take(4)?;
                Value::Null
            }
            Val::Bool(it) => {
                self.take(4)?;
                Value::Bool(*it)
            }
            Val::Num(it) => {
                self.take(1)?;
                Value::Number(number(it)?)
            }
            Val::TStr(it) => {
                self.take(it.len() + 2)?;
                Value::String(String::from_utf8_lossy(it).into_owned())
            }
            Val::BStr(_) => return Err(no_bytes()),
            Val::Arr(items) => {
                let depth = deeper(depth)?;
                self.take(2)?;
                let items = items.iter().map(|it| self.value(it, depth));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Val::Obj(pairs) => {
                let depth = deeper(depth)?;
                self.take(2)?;
                let pairs = pairs.iter().map(|(key, it)| {
                    let key = key_of(key)?;
                    self.take(key.len() + 3)?;
                    Ok((key, self.value(it, depth)?))
                });
                Value::Object(pairs.collect::<Result<_, RunError>>()?)
            }
        })
    }

    fn take(&mut self, bytes: usize) -> Result<(), RunError> {
        self.left = self.left.checked_sub(bytes).ok_or(RunError::TooLarge { max: self.max })?;
        Ok(())
    }
}
