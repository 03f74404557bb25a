//! Texts as QR codes (ISO/IEC 18004), on a terminal and in PNG files.

use std::io;

use png::{BitDepth, ColorType, Encoder, EncodingError};
use qrcode::bits::Bits;
use qrcode::types::{Color, Mode, QrError};
use qrcode::{EcLevel, QrCode, Version};

/// The smallest and the largest QR code; each has 4 modules a side more than the one before.
pub const VERSIONS: std::ops::RangeInclusive<u8> = 1..=40;
/// Modules of light around a code (ISO/IEC 18004 section 5.3.8), without which cameras do not find it.
const QUIET: usize = 4;
/// Pixels of a module's side in a PNG file: enough for a camera in front of any screen.
const SCALE: usize = 6;
/// What a screen shows is not torn or dirty: the lowest of four levels leaves most room.
const LEVEL: EcLevel = EcLevel::L;

/// How many characters of [`super::parts`] fit into a code of this version, 1 to 40.
///
/// # Errors
/// `QrError` for another version.
pub fn capacity(version: u8) -> Result<usize, QrError> {
    let version = Version::Normal(version.into());
    let bits = Bits::new(version).max_len(LEVEL)?;
    let data = bits
        .saturating_sub(version.mode_bits_count())
        .saturating_sub(Mode::Alphanumeric.length_bits_count(version));
    // Two characters in 11 bits, a last one in 6 (ISO/IEC 18004 section 7.4.4).
    Ok(data / 11 * 2 + usize::from(data % 11 >= 6))
}

/// The largest version that fits a terminal of this many columns and rows, if one does.
pub fn largest_on(columns: usize, rows: usize) -> Option<u8> {
    let fits = |version: &u8| {
        let side = 17 + 4 * usize::from(*version) + 2 * QUIET;
        side <= columns && side.div_ceil(2) <= rows
    };
    VERSIONS.rev().find(fits)
}

/// A QR code.
#[derive(Debug)]
pub struct Picture {
    side: usize,
    dark: Vec<bool>,
}

impl Picture {
    /// The code of a text, in this version.
    ///
    /// # Errors
    /// `QrError` when it does not fit.
    pub fn of(text: &str, version: u8) -> Result<Self, QrError> {
        let mut bits = Bits::new(Version::Normal(version.into()));
        // Not as the library would divide it: each character counts the same.
        bits.push_alphanumeric_data(text.as_bytes())?;
        Self::with(bits)
    }

    /// The smallest code of a text of digits.
    ///
    /// # Errors
    /// `QrError` when there are more than the largest holds, or something else than digits.
    pub fn of_digits(text: &str) -> Result<Self, QrError> {
        if !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(QrError::InvalidCharacter);
        }
        let made = VERSIONS.map(|version| {
            let mut bits = Bits::new(Version::Normal(version.into()));
            bits.push_numeric_data(text.as_bytes())?;
            Self::with(bits)
        });
        made.into_iter().find(Result::is_ok).unwrap_or(Err(QrError::DataTooLong))
    }

    fn with(mut bits: Bits) -> Result<Self, QrError> {
        bits.push_terminator(LEVEL)?;
        let code = QrCode::with_bits(bits, LEVEL)?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { side: code.width(), dark })
    }

    /// Columns and rows of a terminal that show it.
    pub fn room(&self) -> (usize, usize) {
        (self.width(), self.width().div_ceil(2))
    }

    /// Modules of a side with the light around.
    fn width(&self) -> usize {
        self.side + 2 * QUIET
    }

    /// Whether a module is dark, counted with the light around.
    fn is_dark(&self, column: usize, row: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.side);
        inside(column).zip(inside(row)).is_some_and(|(x, y)| self.dark[y * self.side + x])
    }

    /// Two rows of modules on a line of a terminal, dark on light whatever its colours are.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for row in (0..self.width()).step_by(2) {
            text.push_str("\x1b[30;107m");
            for column in 0..self.width() {
                let pair = (self.is_dark(column, row), self.is_dark(column, row + 1));
                text.push(match pair {
                    (false, false) => ' ',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// A PNG file of grey pixels.
    ///
    /// # Errors
    /// `EncodingError` when `out` can't be written.
    pub fn png(&self, out: impl io::Write) -> Result<(), EncodingError> {
        let side = self.width() * SCALE;
        let pixel = |at: usize| {
            let (x, y) = (at % side / SCALE, at / side / SCALE);
            if self.is_dark(x, y) { 0 } else { u8::MAX }
        };
        let pixels: Vec<u8> = (0..side * side).map(pixel).collect();
        // The largest has 185 modules a side.
        let side = u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = Encoder::new(out, side, side);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    /// The capacities of ISO/IEC 18004 table 7, level L, alphanumeric.
    #[test]
    fn capacities_are_those_of_the_standard() {
        let table = [(1, 25), (4, 114), (9, 335), (10, 395), (26, 1990), (27, 2132), (40, 4296)];
        for (version, characters) in table {
            assert_eq!(capacity(version).unwrap(), characters, "version {version}");
            let full = "A".repeat(characters);
            assert!(Picture::of(&full, version).is_ok());
            let error = Picture::of(&format!("{full}A"), version).unwrap_err();
            assert_eq!(error, QrError::DataTooLong);
        }
        assert!(capacity(0).is_err() && capacity(41).is_err());
    }

    /// The capacities of ISO/IEC 18004 table 7, level L, numeric.
    #[test]
    fn digits_take_the_smallest_that_holds_them() {
        for (digits, columns) in [(41, 29), (42, 33), (140, 41), (187, 41), (188, 45), (7089, 185)]
        {
            let picture = Picture::of_digits(&"7".repeat(digits)).unwrap();
            assert_eq!(picture.room().0, columns, "{digits}");
        }
        assert!(Picture::of_digits(&"7".repeat(7090)).is_err());
        assert!(Picture::of_digits("7A").is_err());
    }

    #[test]
    fn it_fits_the_terminal_or_is_not_made() {
        assert_eq!(largest_on(80, 22), Some(4));
        assert_eq!(largest_on(200, 100), Some(40));
        assert_eq!(largest_on(28, 100), None);
        let text = Picture::of("B$2B0100AAAAAAAA", 4).unwrap().lines();
        assert_eq!(text.lines().count(), 21);
        let plain = text.replace("\x1b[30;107m", "").replace("\x1b[0m", "");
        assert!(plain.lines().all(|line| line.chars().count() == 41));
        // The light around is there.
        assert_eq!(plain.lines().next().unwrap().trim(), "");
    }
}
