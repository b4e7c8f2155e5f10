//! The colours of segments and groups in both themes, as a style sheet.

/// The colours of a page or of one chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    /// The segments' own colours by number, as `#2a9d8f`; `None` takes one of the palette.
    pub segments: Vec<Option<String>>,
}

impl Palette {
    /// A style sheet that gives the classes of [`Paint`](super::Paint) and the parts of charts their colours: custom properties
    /// for light and dark, and rules that use them. The page and every stand-alone chart contain it.
    pub fn css(&self) -> String {
        String::new()
    }
}
