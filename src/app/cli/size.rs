//! Parses sizes in bytes as people write them.

/// `8G`, `500 MB`, `1.5GiB` or a number of bytes. K, M, G and T are powers of 1000, KiB and so on of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "expected a size such as 8G, 500M or 1.5GiB";
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().map_err(|_| EXPECTED)?;
    let unit = text[end..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (prefix, base) = unit.strip_suffix('i').map_or((unit, 1000), |prefix| (prefix, 1024u64));
    let power = match prefix {
        "" if base == 1000 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(EXPECTED.into()),
    };
    let bytes = number * base.pow(power) as f64;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(EXPECTED.into()) }
}
