#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;
use crate::planning::tests::{Example, example};

#[test]
fn a_plan_is_the_same_each_time_it_is_made() {
    let Example { definition, text, materials, .. } = example(false);
    let setting = Setting {
        ceremony: CeremonyId::from_bytes([7; 8]),
        definition_file: text.as_bytes(),
        share_set_file: b"{}",
    };
    let (plan, _) = Plan::new(&definition, setting, &materials).unwrap();
    let file = plan.to_json();
    let read = Plan::from_json(&file).unwrap();
    assert_eq!(read, plan);
    assert_eq!(read.serials().unwrap(), materials.serials);
    let (again, prepared) = Plan::new(&definition, setting, &materials).unwrap();
    read.check_same(&again).unwrap();
    for (step, prepared) in read.steps().iter().zip(&prepared) {
        assert_eq!(step.tbs().unwrap(), prepared.tbs());
    }
}

#[test]
fn whatever_differs_is_named() {
    let Example { definition, text, mut materials, .. } = example(false);
    let ceremony = CeremonyId::from_bytes([7; 8]);
    let setting = Setting { ceremony, definition_file: text.as_bytes(), share_set_file: b"{}" };
    let (plan, _) = Plan::new(&definition, setting, &materials).unwrap();
    let differs = |definition: &Definition, setting, materials: &Materials| {
        let (now, _) = Plan::new(definition, setting, materials).unwrap();
        plan.check_same(&now).unwrap_err().to_string()
    };
    let other = format!("{text}# a remark\n");
    let changed = Setting { definition_file: other.as_bytes(), ..setting };
    assert!(differs(&definition, changed, &materials).starts_with("plan: definition: found"));
    let changed = Setting { share_set_file: b"{ }", ..setting };
    assert!(differs(&definition, changed, &materials).starts_with("plan: share_set: found"));
    // One day more, with the digest of the definition unchanged.
    let longer = Definition::from_yaml(&text.replace("days: 7305", "days: 7306")).unwrap();
    let error = differs(&longer, setting, &materials);
    assert!(error.starts_with("plan: steps: root: tbs: found \""), "{error}");
    assert!(error.contains("at octet"), "{error}");
    // Another serial number.
    let serial = materials.serials["west"];
    let mut octets = *serial.as_bytes();
    octets[19] ^= 1;
    materials.serials.insert("west".into(), SerialNumber::from_bytes(&octets).unwrap());
    let error = differs(&definition, setting, &materials);
    assert!(error.starts_with("plan: steps: west: tbs: found"), "{error}");
}

#[test]
fn no_byte_of_the_file_may_change() {
    let Example { definition, text, materials, .. } = example(false);
    let ceremony = CeremonyId::from_bytes([7; 8]);
    let setting = Setting { ceremony, definition_file: text.as_bytes(), share_set_file: b"{}" };
    let (plan, _) = Plan::new(&definition, setting, &materials).unwrap();
    let file = plan.to_json();
    for at in (0..file.len()).step_by(7) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let read = Plan::from_json(&changed);
        assert!(!read.is_ok_and(|read| read.check_same(&plan).is_ok()), "octet {at}");
    }
    let spaced = [&file[..1], b" ", &file[1..]].concat();
    let error = Plan::from_json(&spaced).unwrap_err();
    assert_eq!(error, PlanError::NotCanonical { at: 1 });
}

#[test]
fn people_can_read_every_octet_of_it() {
    let Example { definition, text, materials, .. } = example(true);
    let ceremony = CeremonyId::from_bytes([7; 8]);
    let setting = Setting { ceremony, definition_file: text.as_bytes(), share_set_file: b"{}" };
    let (plan, prepared) = Plan::new(&definition, setting, &materials).unwrap();
    let shown = to_text(&plan, &prepared, &[]);
    assert!(shown.contains("REHEARSAL: nothing of this may be used"));
    assert!(shown.contains("CN=Example Root 2026"));
    assert!(!shown.contains(&plan.digest().to_string()), "whoever confirms it has that on paper");
    for step in &prepared {
        assert!(shown.contains(&Digest::of(step.tbs()).to_string()) || step.tbs().is_empty());
        let lines = shown.lines().map(str::trim_start);
        let hex: String = step.tbs()[..step.tbs().len().min(16)]
            .iter()
            .map(|octet| format!(" {octet:02x}"))
            .collect();
        assert!(step.tbs().is_empty() || lines.clone().any(|line| line.ends_with(&hex)));
    }
}
