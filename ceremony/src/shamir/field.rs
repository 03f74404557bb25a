//! GF(256) with the polynomial x^8 + x^4 + x^3 + x + 1, which AES has too (FIPS 197 section 4.2).
//!
//! No table and no branch depends on a value, so that neither cache nor time tells it.

use std::hint::black_box;

/// All ones when `bit` is 1, all zeros when it is 0. The barrier keeps the compiler from making a
/// branch of it.
fn mask(bit: u8) -> u8 {
    black_box(0u8.wrapping_sub(bit & 1))
}

/// The product (FIPS 197 section 4.2).
pub(super) fn multiply(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        product ^= a & mask(b >> bit);
        a = (a << 1) ^ (0x1b & mask(a >> 7));
    }
    product
}

/// The inverse, and 0 for 0: `a` to the power of 254.
pub(super) fn inverse(a: u8) -> u8 {
    // 254 = 2 + 4 + 8 + 16 + 32 + 64 + 128.
    let mut square = a;
    let mut product = 1;
    for _ in 0..7 {
        square = multiply(square, square);
        product = multiply(product, square);
    }
    product
}
