//! A stack of its own for code that puts whole SLH-DSA signatures on it.

/// Both libraries move signatures of up to 49,856 octets by value, some ten times at once; without
/// optimisation that overflows the two mebibytes of an ordinary thread. Only what is touched takes
/// memory.
const SIZE: usize = 32 * 1024 * 1024;

/// Runs `work` on a thread with a deep stack and waits for it. Starting one takes some tens of
/// microseconds, a signature milliseconds.
///
/// None when the system has no thread to give or `work` panics: nothing was signed or verified
/// then.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("slh-dsa".into()).stack_size(SIZE);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_was_computed_with_more_than_an_ordinary_stack() {
        let sum = on_deep_stack(|| {
            let octets = std::hint::black_box([1_u8; 8 * 1024 * 1024]);
            octets.iter().map(|octet| usize::from(*octet)).sum::<usize>()
        });
        assert_eq!(sum, Some(8 * 1024 * 1024));
    }

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(on_deep_stack(|| -> u8 { panic!("on purpose") }), None);
    }
}
