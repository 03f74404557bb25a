#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    fuzzing::targets::pkcs7::check(octets);
});
