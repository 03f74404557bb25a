#![allow(clippy::unwrap_used)] // a panic is the failure report

use rand_core::UnwrapErr;

use super::*;

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn opening(ceremony: u8) -> Opening {
    Opening {
        ceremony: CeremonyId::from_bytes([ceremony; 8]),
        rehearsal: true,
        purpose: "a test".into(),
        operator: "Olga".into(),
        witnesses: vec!["Wim".into()],
        program: Program { version: "0".into(), digest: None },
        key: String::new(),
        compared: Vec::new(),
        cut_octets: 0,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Two sittings of two entries each.
fn written(folder: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let path = folder.join("transcript.jsonl");
    for sitting in 0..2 {
        let mut transcript =
            Transcript::open(&path, opening(1), at(sitting * 10), &mut rng()).unwrap();
        let definition = Digest::of(b"x");
        transcript.append(Event::DefinitionRead { definition }, at(sitting * 10 + 1)).unwrap();
    }
    let octets = std::fs::read(&path).unwrap();
    (path, octets)
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (_, octets) = written(folder.path());
    let read = read(&octets).unwrap();
    assert_eq!((read.lines.len(), read.torn), (4, 0));
    assert_eq!(read.opening().unwrap().operator, "Olga");
    // Each sitting has its own key.
    let keys: Vec<&str> = read
        .events()
        .filter_map(|event| match event {
            Event::SittingOpened(opening) => Some(opening.key.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_changed_byte_is_found_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_, octets) = written(folder.path());
    let mut line = 1;
    for place in 0..octets.len() {
        let end = octets[place] == b'\n';
        // Signatures are long: some of their octets stand for all.
        if end || place % 61 == 0 {
            let mut changed = octets.clone();
            changed[place] ^= 1;
            match read(&changed) {
                // The last newline: what stands before it is a torn line then.
                Ok(read) => assert!(place == octets.len() - 1 && read.torn > 0),
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains(&format!("line {line}")), "octet {place}: {text}");
                }
            }
        }
        line += usize::from(end);
    }
}

#[test]
fn no_line_can_be_left_out_doubled_or_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (_, octets) = written(folder.path());
    let lines: Vec<&[u8]> = octets.split_inclusive(|octet| *octet == b'\n').collect();
    let refused = |order: &[usize]| {
        let text: Vec<u8> = order.iter().flat_map(|at| lines[*at]).copied().collect();
        read(&text).unwrap_err().to_string()
    };
    assert!(refused(&[1, 2, 3]).contains("line 1: number: found 2, allowed: 1"));
    assert!(refused(&[0, 2, 3]).contains("line 2: number: found 3, allowed: 2"));
    assert!(refused(&[0, 0]).contains("line 2: number"));
    assert!(refused(&[0, 3]).contains("line 2: number"));
    // Only the end can be cut off: the head on paper tells.
    let short: Vec<u8> = lines[..3].concat();
    assert_ne!(read(&short).unwrap().head(), read(&octets).unwrap().head());
}

/// Who has the disk can write a chain, but not in the name of a sitting.
#[test]
fn a_chain_made_anew_lacks_the_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let (_, octets) = written(folder.path());
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    let mut forged: Written = serde_json::from_slice(lines[1]).unwrap();
    forged.entry.event = Event::DefinitionRead { definition: Digest::of(b"y") };
    let text = [lines[0], b"\n", &canonical::of(&forged), b"\n"].concat();
    let error = read(&text).unwrap_err().to_string();
    assert!(error.contains("line 2: signature"), "{error}");
}

#[test]
fn another_ceremony_and_a_clock_that_went_back_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, octets) = written(folder.path());
    let refused = |opening, time| match Transcript::open(&path, opening, time, &mut rng()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    };
    assert!(refused(opening(2), at(50)).contains("ceremony: found 0202020202020202"));
    let real = Opening { rehearsal: false, ..opening(1) };
    assert!(refused(real, at(50)).contains("rehearsal: found false, allowed is true"));
    assert!(refused(opening(1), at(3)).starts_with("clock: found"));
    assert_eq!(std::fs::read(&path).unwrap(), octets, "a refusal writes nothing");
    Transcript::open(&path, opening(1), at(11), &mut rng()).unwrap();
}

#[test]
fn a_torn_line_is_cut_off_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, octets) = written(folder.path());
    std::fs::write(&path, [&octets[..], b"{\"entry\":{\"at\""].concat()).unwrap();
    Transcript::open(&path, opening(1), at(50), &mut rng()).unwrap();
    let read = read(&std::fs::read(&path).unwrap()).unwrap();
    let Event::SittingOpened(last) = &read.lines[4].entry.event else { panic!() };
    assert_eq!(last.cut_octets, 14);
}

/// A medium that is full, or that fails after it took a line; once.
struct Failing {
    file: File,
    /// How many octets of the next line it takes before it fails; none when it is mended.
    takes: Option<usize>,
    cuts: bool,
}

impl Medium for Failing {
    fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        match self.takes.take() {
            Some(takes) => {
                Medium::append(&mut self.file, &octets[..takes.min(octets.len())])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            None => Medium::append(&mut self.file, octets),
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.cuts {
            self.file.cut(length)
        } else {
            Err(io::ErrorKind::ReadOnlyFilesystem.into())
        }
    }
}

#[test]
fn a_line_that_could_not_be_written_spoils_no_other() {
    for (takes, cuts) in
        [(0, true), (10, true), (usize::MAX, true), (10, false), (usize::MAX, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transcript.jsonl");
        let mut transcript = Transcript::open(&path, opening(1), at(0), &mut rng()).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        transcript.medium = Box::new(Failing { file, takes: Some(takes), cuts });
        let event = || Event::DefinitionRead { definition: Digest::of(b"x") };
        let error = crate::causes::told(&transcript.append(event(), at(1)).unwrap_err());
        assert!(error.starts_with("transcript.jsonl: can't be read or written: "), "{error}");
        // The medium is mended: either the line is written once, or no other one is.
        let again = transcript.append(event(), at(2));
        assert_eq!(again.is_ok(), cuts, "{takes}");
        let read = read(&std::fs::read(&path).unwrap()).unwrap();
        let whole = 1 + usize::from(cuts || takes == usize::MAX);
        assert_eq!(read.lines.len(), whole, "{takes}");
        // The next sitting goes on with what is there.
        Transcript::open(&path, opening(1), at(3), &mut rng()).unwrap();
    }
}

#[test]
fn a_clock_that_jumps_ahead_within_a_sitting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.jsonl");
    let mut transcript = Transcript::open(&path, opening(1), at(0), &mut rng()).unwrap();
    let event = || Event::DefinitionRead { definition: Digest::of(b"x") };
    transcript.append(event(), at(24 * 3600)).unwrap();
    let error = transcript.append(event(), at(48 * 3600 + 1)).unwrap_err().to_string();
    assert!(error.contains("allowed are at most 24 hours after"), "{error}");
    // The next sitting may be years later.
    drop(transcript);
    Transcript::open(&path, opening(1), at(365 * 24 * 3600), &mut rng()).unwrap();
}
