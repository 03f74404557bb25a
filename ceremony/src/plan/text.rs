//! The plan as people read it, and read aloud from it.

use std::fmt::{self, Write as _};

use ca_core::inspect::{Report, inspect_certificate};

use super::Plan;
use crate::planning::{Deed, Prepared};
use crate::witness::Witness;

/// The plan in full: each step with its fields, every octet that is signed, and what the lints say. Its
/// digest is not in it: whoever confirms the plan has that on paper. `witnesses` are those of the definition,
/// who see here by which keys they will sign.
pub fn to_text(plan: &Plan, prepared: &[Prepared], witnesses: &[Witness]) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write_plan(&mut text, plan, prepared, witnesses);
    text
}

fn write_plan(
    text: &mut String,
    plan: &Plan,
    prepared: &[Prepared],
    witnesses: &[Witness],
) -> fmt::Result {
    writeln!(text, "Plan of {}", plan.title)?;
    if plan.rehearsal {
        writeln!(text, "REHEARSAL: nothing of this may be used")?;
    }
    writeln!(text, "  ceremony    {}", plan.ceremony)?;
    writeln!(text, "  definition  {}", plan.definition)?;
    writeln!(text, "  share set   {}", plan.share_set)?;
    for (path, digest) in &plan.inputs {
        writeln!(text, "  input       {digest}  {path}")?;
    }
    for (name, key) in &plan.keys {
        writeln!(text, "  key         {}  {name} ({})", key.public_key, key.kind)?;
    }
    for Witness { name, key } in witnesses {
        writeln!(text, "  witness     {}  {name}", key.fingerprint())?;
    }
    for (number, step) in (1..).zip(prepared) {
        write_step(text, number, step, plan)?;
    }
    writeln!(text)
}

fn write_step(text: &mut String, number: usize, step: &Prepared, plan: &Plan) -> fmt::Result {
    let steps = plan.steps().len();
    writeln!(text, "\nStep {number} of {steps}: {}, by key {}", step.name, step.key)?;
    match &step.deed {
        Deed::Certificate { preview, .. } => write_certificate(text, preview)?,
        Deed::Crl(list) => {
            writeln!(text, "Certificate revocation list of {} entries", list.entries().len())?;
            for entry in list.entries() {
                writeln!(text, "  {}  {}  {}", entry.serial, entry.revoked_at, entry.reason)?;
            }
        }
        Deed::Destroy => {
            return writeln!(
                text,
                "The file of the key {} is wiped. Nobody can bring it back",
                step.key
            );
        }
    }
    for remark in step.remarks() {
        writeln!(text, "  {remark}")?;
    }
    if let Some(scheme) = step.scheme() {
        writeln!(text, "  Signed by {scheme}, over these {} octets:", step.tbs().len())?;
    }
    for (line, octets) in step.tbs().chunks(16).enumerate() {
        write!(text, "  {:06x} ", line * 16)?;
        octets.iter().try_for_each(|octet| write!(text, " {octet:02x}"))?;
        writeln!(text)?;
    }
    let digest = crate::digest::Digest::of(step.tbs());
    writeln!(text, "  SHA-256 of them\n  {}", digest.told())
}

/// The fields of a preview. What is not signed yet is left out: size and digest of the whole.
fn write_certificate(
    text: &mut String,
    preview: &ca_core::certificate::Certificate,
) -> fmt::Result {
    let Ok(inspected) = inspect_certificate(preview) else {
        // Its own scheme was written by this program, so that it is readable.
        return Ok(());
    };
    let Report::Certificate(report) = &inspected.report else { return Ok(()) };
    // From the size on it tells of the whole, signature and all.
    for line in report.to_string().lines().take_while(|line| !line.starts_with("  Size")) {
        writeln!(text, "{line}")?;
    }
    Ok(())
}
