//! Many numbers as one text: base64 of their little-endian bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;

/// Whole numbers of 32 bits.
pub(super) mod words {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
        use serde::de::Error;
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|e| D::Error::custom(format!("layout: {e}")))?;
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom("layout: expected numbers of four bytes each"));
        }
        Ok(values.iter().map(|v| u32::from_le_bytes(*v)).collect())
    }
}

/// Numbers of f32.
pub(super) mod floats {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
        super::words::serialize(&words, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let words = super::words::deserialize(deserializer)?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }
}
