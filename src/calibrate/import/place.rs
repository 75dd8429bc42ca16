//! JSON values that know where they stand.

use serde_json::Value;

use super::ImportError;

/// A value with the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    file: &'a str,
    path: String,
    value: &'a Value,
}

impl<'a> Place<'a> {
    pub fn new(file: &'a str, path: String, value: &'a Value) -> Self {
        Self { file, path, value }
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What a path of keys leads to; `None` where one is absent or null.
    pub fn find(&self, keys: &[&str]) -> Option<Self> {
        let mut value = self.value;
        let mut path = self.path.clone();
        for key in keys {
            value = value.get(key)?;
            path = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
        }
        (!value.is_null()).then_some(Self { file: self.file, path, value })
    }

    /// The values of a list.
    pub fn list(&self) -> Result<Vec<Self>, ImportError> {
        let Value::Array(values) = self.value else { return Err(self.fault("a list is expected")) };
        let place = |(index, value)| Self { file: self.file, path: format!("{}[{index}]", self.path), value };
        Ok(values.iter().enumerate().map(place).collect())
    }

    /// A number that is at least 0.
    pub fn number(&self) -> Result<f64, ImportError> {
        match self.value.as_f64() {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(number),
            Some(number) => Err(self.fault(&format!("{number} is not a number of 0 or more"))),
            None => Err(self.fault(&format!("a number is expected, not {}", sort_of(self.value)))),
        }
    }

    /// The number that a path of keys leads to; absent and null are `None`.
    pub fn number_at(&self, keys: &[&str]) -> Result<Option<f64>, ImportError> {
        self.find(keys).map(|place| place.number()).transpose()
    }

    /// The first of several paths that leads to a number.
    pub fn first_number(&self, paths: &[&[&str]]) -> Result<Option<f64>, ImportError> {
        for keys in paths {
            if let Some(number) = self.number_at(keys)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The text that a path of keys leads to.
    pub fn text_at(&self, keys: &[&str]) -> Option<String> {
        self.find(keys)?.value.as_str().map(str::to_owned)
    }

    /// Numbers of a list, as far as they are any; lists of other things are none.
    pub fn numbers_at(&self, keys: &[&str]) -> Vec<f64> {
        let values = self.find(keys).and_then(|place| place.value.as_array());
        values.map_or(Vec::new(), |values| values.iter().map(|value| value.as_f64().unwrap_or(0.0)).collect())
    }

    /// A fault here.
    pub fn fault(&self, message: &str) -> ImportError {
        let path = if self.path.is_empty() { "top level".to_owned() } else { self.path.clone() };
        ImportError::Key { file: self.file.to_owned(), path, message: message.to_owned() }
    }

    /// A fault of a key that is missing here.
    pub fn missing(&self, what: &str) -> ImportError {
        self.fault(&format!("{what} is missing"))
    }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
