//! What people say about a segment, besides its name.

use serde::{Deserialize, Serialize};

/// How a person describes a segment. A refit that starts from the model keeps it, as it keeps the name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Persona {
    /// The colour of the segment in charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// A sentence that describes the segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What to do for the users in the segment, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
}

impl Persona {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Persona::default()
    }

    /// Checks that each of its texts is a line of text.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check(&self) -> Result<(), String> {
        self.summary.iter().chain(&self.actions).try_for_each(|text| check_line(text))
    }
}

/// Checks that a text is a line: it is not blank and has no line break or other control character.
///
/// # Errors
/// A sentence that says why not.
pub fn check_line(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("expected a text, found nothing".into());
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("expected one line of text, found the control character {c:?}")),
        None => Ok(()),
    }
}

/// A colour in hexadecimal digits for red, green and blue, such as `#2a9d8f`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(String);

impl Colour {
    /// The colour as `#` and six hexadecimal digits in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6);
        match digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())) {
            Some(_) => Ok(Colour(text.to_ascii_lowercase())),
            None => Err(format!("expected a colour such as \"#2a9d8f\", found {text:?}")),
        }
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Colour, check_line};

    #[test]
    fn colours_are_six_digits() {
        let colour = |text: &str| Colour::try_from(text.to_string());
        assert_eq!(colour("#2A9d8F").unwrap().as_str(), "#2a9d8f");
        for wrong in ["2a9d8f", "#2a9d8", "#2a9d8ff", "#2a9d8g", "teal", "", "#", "#+12345", "#ééé"] {
            assert!(colour(wrong).unwrap_err().contains("such as \"#2a9d8f\""), "{wrong}");
        }
    }

    #[test]
    fn texts_are_lines() {
        assert!(check_line("Offer a mentor.").is_ok());
        assert!(check_line(" ").is_err() && check_line("two\nlines").is_err());
    }
}
