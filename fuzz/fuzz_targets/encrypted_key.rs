#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    fuzzing::targets::encrypted_key::check(octets);
});
