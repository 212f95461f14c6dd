//! All that is wrong with the settings of one target, as one error.

use std::fmt;

use crate::SettingError;

/// Settings that are wrong: all of them, not the first only. Its text is one line, parted by `; `.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SettingErrors(Vec<SettingError>);

impl SettingErrors {
    /// Adds one. The pointer's parts are names of settings, as they were typed.
    pub fn push(&mut self, parts: &[&str], message: impl Into<String>) {
        // RFC 6901 section 3.
        let escaped = |part: &&str| format!("/{}", part.replace('~', "~0").replace('/', "~1"));
        let pointer = parts.iter().map(escaped).collect();
        self.0.push(SettingError { pointer, message: message.into() });
    }

    /// Keeps what is right of a check, and adds what is wrong.
    pub fn take<T>(&mut self, parts: &[&str], checked: Result<T, impl Into<String>>) -> Option<T> {
        checked.map_err(|message| self.push(parts, message)).ok()
    }

    /// The same for a check that finds several things.
    pub fn take_all<T>(&mut self, parts: &[&str], checked: Result<T, Vec<String>>) -> Option<T> {
        let push_all = |messages: Vec<String>| {
            messages.into_iter().for_each(|message| self.push(parts, message));
        };
        checked.map_err(push_all).ok()
    }

    /// What was built, where nothing is wrong.
    ///
    /// # Errors
    /// All that was added; at least one where there is nothing to hand out.
    pub fn or<T>(mut self, built: Option<T>) -> Result<T, Self> {
        match built {
            Some(built) if self.0.is_empty() => Ok(built),
            None if self.0.is_empty() => {
                self.push(&[], "cannot be built");
                Err(self)
            }
            Some(_) | None => Err(self),
        }
    }

    /// The same, one level down, below the setting of that name.
    #[must_use]
    pub fn below(mut self, name: &str) -> Self {
        let mut above = Self::default();
        above.push(&[name], "");
        for error in &mut self.0 {
            error.pointer.insert_str(0, &above.0[0].pointer);
        }
        self
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &SettingError> {
        self.0.iter()
    }
}

impl From<SettingErrors> for Vec<SettingError> {
    fn from(errors: SettingErrors) -> Self {
        errors.0
    }
}

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingErrors {}

#[cfg(test)]
mod tests {
    use super::SettingErrors;

    #[test]
    fn what_cannot_be_built_is_wrong_somewhere() {
        #[track_caller]
        fn check(says: &[&str], built: Option<u8>, expected: Result<u8, &str>) {
            let mut wrong = SettingErrors::default();
            says.iter().for_each(|it| wrong.push(&["a"], *it));
            assert_eq!(
                wrong.or(built).map_err(|it| it.to_string()),
                expected.map_err(str::to_owned)
            );
        }
        check(&[], Some(1), Ok(1));
        check(&[], None, Err(": cannot be built"));
        check(&["b"], Some(1), Err("/a: b"));
        check(&["b", "c"], None, Err("/a: b; /a: c"));
    }
}
