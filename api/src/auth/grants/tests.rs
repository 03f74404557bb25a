#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

fn grant(roles: &[Role], authority: &str, profile: &str, names: &[&str]) -> Grant {
    Grant::new(&GrantConfig {
        roles: roles.to_vec(),
        authorities: vec![authority.into()],
        profiles: vec![profile.into()],
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..GrantConfig::default()
    })
    .unwrap()
}

fn ask(
    grants: &Grants,
    authority: &str,
    profile: &str,
    subject: &str,
    names: &[&str],
) -> Result<(), String> {
    let names: Vec<AltName> = names.iter().map(|name| AltName::parse(name).unwrap()).collect();
    let subject = DistinguishedName::parse(subject).unwrap();
    let asked = Asked { authority, profile, subject: &subject, names: &names };
    grants.may_issue("token:ci", asked).map_err(|denied| denied.to_string())
}

fn two_grants() -> Grants {
    let web = grant(&[Role::Requester], "issuing", "tls-server", &["DNS:*.example.com"]);
    let mail = grant(&[Role::Requester], "issuing", "tls-client", &["email:*@example.com"]);
    Grants { all: vec![web, mail], facts: Facts::default() }
}

#[test]
fn what_a_grant_says_is_allowed() {
    let grants = two_grants();
    ask(&grants, "issuing", "tls-server", "", &["DNS:a.example.com", "DNS:b.example.com"]).unwrap();
    ask(&grants, "issuing", "tls-server", "CN=A.example.com", &["DNS:a.example.com"]).unwrap();
    ask(&grants, "issuing", "tls-client", "CN=a@example.com", &["email:a@example.com"]).unwrap();
}

#[test]
fn each_refusal_names_the_field_what_was_found_and_what_is_allowed() {
    let grants = two_grants();
    let refused = |authority, profile, subject, names: &[&str]| {
        ask(&grants, authority, profile, subject, names).unwrap_err()
    };
    assert_eq!(
        refused("root", "tls-server", "", &["DNS:a.example.com"]),
        "authority: found \"root\", allowed for token:ci: issuing"
    );
    assert_eq!(
        refused("issuing", "ca", "", &["DNS:a.example.com"]),
        "profile: found \"ca\", allowed for token:ci: tls-client, tls-server"
    );
    assert_eq!(
        refused("issuing", "tls-server", "", &["DNS:a.example.com", "DNS:a.example.org"]),
        "names: found DNS:a.example.org, allowed for token:ci: DNS:*.example.com"
    );
    // The names of one grant don't mix with the profile of another.
    assert_eq!(
        refused("issuing", "tls-server", "", &["email:a@example.com"]),
        "names: found email:a@example.com, allowed for token:ci: DNS:*.example.com"
    );
    assert_eq!(
        refused("issuing", "tls-server", "", &["DNS:*.example.com"]),
        "names: found DNS:*.example.com, allowed for token:ci: DNS:*.example.com, and no wildcards"
    );
    for subject in ["CN=b.example.com", "CN=a.example.com,O=Bank", "O=a.example.com"] {
        let refusal = refused("issuing", "tls-server", subject, &["DNS:a.example.com"]);
        assert!(refusal.starts_with(&format!("subject: found {subject}, allowed")), "{refusal}");
    }
}

#[test]
fn names_of_two_grants_do_not_mix_in_one_certificate() {
    let one = grant(&[Role::Requester], "issuing", "tls-server", &["DNS:a.example.com"]);
    let two = grant(&[Role::Requester], "issuing", "tls-server", &["DNS:b.example.com"]);
    let grants = Grants { all: vec![one, two], facts: Facts::default() };
    ask(&grants, "issuing", "tls-server", "", &["DNS:a.example.com"]).unwrap();
    ask(&grants, "issuing", "tls-server", "", &["DNS:b.example.com"]).unwrap();
    let both = ["DNS:a.example.com", "DNS:b.example.com"];
    let refusal = ask(&grants, "issuing", "tls-server", "", &both).unwrap_err();
    assert!(refusal.contains("not in one certificate"), "{refusal}");
}

#[test]
fn roles_are_required_and_only_admin_has_the_others() {
    for own in Role::ALL {
        let grants = Grants { all: vec![grant(&[own], "*", "*", &["*"])], ..Grants::default() };
        for asked in Role::ALL {
            let answer = grants.require("token:ci", asked);
            assert_eq!(answer.is_ok(), own == asked || own == Role::Admin, "{own} {asked}");
        }
        let issuing = ask(&grants, "issuing", "tls-server", "", &["DNS:a.example.com"]);
        let may_ask = own == Role::Requester || own == Role::Admin;
        assert_eq!(issuing.is_ok(), may_ask, "{own}: {issuing:?}");
        let revoking = grants.may_act("token:ci", Role::Revoker, "issuing", "tls-server");
        assert_eq!(revoking.is_ok(), own == Role::Revoker || own == Role::Admin);
    }
    let none = Grants::default();
    let refusal = none.require("token:ci", Role::Auditor).unwrap_err().to_string();
    assert_eq!(refusal, "role: found a request that needs auditor, allowed for token:ci: none");
}

/// A role of one grant does not reach the authorities of another.
#[test]
fn a_revoker_of_one_authority_revokes_nothing_of_another() {
    let revoker = grant(&[Role::Revoker], "test", "*", &[]);
    let requester = grant(&[Role::Requester], "prod", "*", &["*"]);
    let grants = Grants { all: vec![revoker, requester], ..Grants::default() };
    grants.may_act("token:ci", Role::Revoker, "test", "tls-server").unwrap();
    let refusal = grants.may_act("token:ci", Role::Revoker, "prod", "tls-server").unwrap_err();
    assert_eq!(refusal.to_string(), "authority: found \"prod\", allowed for token:ci: test");
}

#[test]
fn wildcards_and_subjects_by_leave() {
    let config = GrantConfig {
        roles: vec![Role::Requester],
        authorities: vec!["*".into()],
        profiles: vec!["*".into()],
        names: vec!["DNS:*.example.com".into()],
        wildcards: true,
        subject: SubjectRule::Any,
    };
    let grants = Grants { all: vec![Grant::new(&config).unwrap()], ..Grants::default() };
    ask(&grants, "issuing", "tls-server", "O=Bank", &["DNS:*.example.com"]).unwrap();
    ask(&grants, "issuing", "tls-server", "", &["DNS:*.a.example.com"]).unwrap_err();
}

#[test]
fn a_grant_without_sense_is_refused() {
    let good = GrantConfig { roles: vec![Role::Requester], ..GrantConfig::default() };
    Grant::new(&good).unwrap();
    let long = vec!["a".to_owned(); 201];
    for (config, field) in [
        (GrantConfig { roles: vec![], ..good.clone() }, "roles: found none"),
        (GrantConfig { authorities: vec!["a b".into()], ..good.clone() }, "authorities: found"),
        (GrantConfig { profiles: vec![String::new()], ..good.clone() }, "profiles: found"),
        (GrantConfig { profiles: long, ..good.clone() }, "profiles: found 201 entries"),
        (GrantConfig { names: vec!["a".into()], ..good.clone() }, "names: name pattern"),
    ] {
        let error = Grant::new(&config).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let unknown = r#"{"roles":["requester"],"name":["DNS:a"]}"#;
    assert!(serde_json::from_str::<GrantConfig>(unknown).is_err());
    assert!(serde_json::from_str::<GrantConfig>(r#"{"roles":["root"]}"#).is_err());
    assert!(serde_json::from_str::<GrantConfig>("{}").is_err());
}

#[test]
fn nobody_gives_away_more_than_they_have() {
    let team = grant(&[Role::Admin], "team-a", "tls-server", &["DNS:*.a.example"]);
    let own = Grants { all: vec![team.clone()], facts: Facts::default() };
    own.may_give("token:a", &team).unwrap();
    let less = grant(&[Role::Revoker], "team-a", "tls-server", &[]);
    own.may_give("token:a", &less).unwrap();
    let config = GrantConfig {
        roles: vec![Role::Requester],
        authorities: vec!["team-a".into()],
        profiles: vec!["tls-server".into()],
        names: vec!["DNS:*.a.example".into()],
        ..GrantConfig::default()
    };
    let all = || vec!["*".to_owned()];
    for (field, wanted) in [
        ("authorities", GrantConfig { authorities: all(), ..config.clone() }),
        ("profiles", GrantConfig { profiles: vec!["ca".into()], ..config.clone() }),
        ("names", GrantConfig { names: all(), ..config.clone() }),
        ("wildcards", GrantConfig { wildcards: true, ..config.clone() }),
        ("subject", GrantConfig { subject: SubjectRule::Any, ..config.clone() }),
    ] {
        let denied = own.may_give("token:a", &Grant::new(&wanted).unwrap()).unwrap_err();
        assert_eq!(denied.field, field);
    }
    // Without role admin nothing is given, and two grants don't add up.
    let auditor = grant(&[Role::Auditor], "*", "*", &["*"]);
    let two = Grants { all: vec![auditor, team], facts: Facts::default() };
    let wide = GrantConfig { roles: vec![Role::Auditor], authorities: all(), ..config };
    let denied = two.may_give("token:a", &Grant::new(&wide).unwrap()).unwrap_err();
    assert_eq!(denied.field, "authorities");
}
