#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(lbr_fuzz::config::run(data)));
