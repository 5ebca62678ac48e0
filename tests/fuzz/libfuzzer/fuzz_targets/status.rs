#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(lbr_fuzz::status::run(data)));
