//! Authorities and their certificates.

use ca_core::fingerprint::Fingerprint;
use ledger::{LedgerError, NewAuthority};

use super::{
    Factory, check_and_close,
    material::{authority, der, serial, time},
};

pub async fn an_authority_is_added_once(factory: &impl Factory) {
    let ledger = factory.open().await;
    let root = ledger.add_authority(authority("root")).await.unwrap();
    let child = NewAuthority { parent: Some("root".into()), ..authority("issuing") };
    let issuing = ledger.add_authority(child.clone()).await.unwrap();
    assert_eq!(issuing.content, child);
    let later = NewAuthority { created_at: time(999), ..child };
    assert_eq!(
        ledger.add_authority(later).await.unwrap(),
        issuing,
        "same identity, as first added"
    );
    assert_eq!(ledger.authorities().await.unwrap(), [root.clone(), issuing]);
    assert_eq!(ledger.authority("root").await.unwrap(), Some(root));
    assert_eq!(ledger.authority("Root").await.unwrap(), None);
    check_and_close(ledger).await;
}

pub async fn another_authority_of_the_same_name_is_refused(factory: &impl Factory) {
    let ledger = factory.open().await;
    ledger.add_authority(authority("root")).await.unwrap();
    let others = [
        NewAuthority { algorithm: "RSA".into(), ..authority("root") },
        NewAuthority { key_digest: Fingerprint::of(b"other"), ..authority("root") },
        NewAuthority { parent: Some("root".into()), ..authority("root") },
    ];
    for other in others {
        let refusal = ledger.add_authority(other).await.unwrap_err();
        assert!(matches!(&refusal, LedgerError::AuthorityConflict { name, .. } if name == "root"));
    }
    let orphan = NewAuthority { parent: Some("nobody".into()), ..authority("issuing") };
    let refusal = ledger.add_authority(orphan).await.unwrap_err();
    assert!(matches!(&refusal, LedgerError::UnknownAuthority { name } if name == "nobody"));
    let nameless = ledger.add_authority(authority("")).await.unwrap_err();
    assert!(matches!(nameless, LedgerError::InvalidField { field: "name", .. }));
    assert_eq!(ledger.authorities().await.unwrap().len(), 1);
    check_and_close(ledger).await;
}

pub async fn an_authority_collects_certificates(factory: &impl Factory) {
    let ledger = factory.open().await;
    ledger.add_authority(authority("root")).await.unwrap();
    let (first, second) = (der(serial(1), 0, 1), der(serial(2), 0, 1));
    for bytes in [&first, &second, &first] {
        let added = ledger.add_authority_certificate("root", bytes.clone(), time(5)).await.unwrap();
        assert_eq!(added.fingerprint, Fingerprint::of(bytes));
    }
    let root = ledger.authority("root").await.unwrap().unwrap();
    let stored: Vec<_> = root.certificates.into_iter().map(|certificate| certificate.der).collect();
    assert_eq!(stored, [first.clone(), second]);
    let refusal = ledger.add_authority_certificate("nobody", first.clone(), time(5)).await;
    assert!(matches!(refusal, Err(LedgerError::UnknownAuthority { .. })));
    let truncated = first[..first.len() - 1].to_vec();
    let refusal = ledger.add_authority_certificate("root", truncated, time(5)).await;
    let field = "authority certificate";
    assert!(matches!(refusal, Err(LedgerError::InvalidField { field: f, .. }) if f == field));
    check_and_close(ledger).await;
}
