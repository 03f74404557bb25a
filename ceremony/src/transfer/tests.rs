#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

const REQUEST: &str = include_str!("../../../ca-core/tests/data/inspect/request.pem");

#[test]
fn a_request_travels_and_a_changed_one_does_not() {
    let item = Item::from_file(REQUEST.as_bytes()).unwrap();
    assert!(item.title().starts_with("request for "), "{item:?}");
    assert_eq!(Item::from_der(item.der()).unwrap(), item);
    assert_eq!(Item::from_file(item.pem().as_bytes()).unwrap(), item);
    let mut cut = item.der().to_vec();
    cut.pop();
    assert!(Item::from_der(&cut).is_err());
}

#[test]
fn only_one_object_and_no_secret_travels() {
    let both = format!("{REQUEST}{REQUEST}");
    let error = Item::from_file(both.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("objects in the file: found 2, allowed is one"), "{error}");
    let key = pem::encode(Label::PrivateKey, &[0x30, 0x03, 0x02, 0x01, 0x00]);
    let error = Item::from_file(key.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("object: found PRIVATE KEY, allowed are a certificate"), "{error}");
    let key = [0x30, 0x09, 0x02, 0x01, 0x00, 0x30, 0x00, 0x04, 0x02, 0x00, 0x00];
    let error = Item::from_der(&key).unwrap_err().to_string();
    assert!(error.contains("allowed are a certificate"), "{error}");
}
