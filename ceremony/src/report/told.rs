//! Lines of a transcript in words.

use super::{plain, typed};
use crate::transcript::Event;

fn one(name: &str) -> String {
    typed(&[name.to_owned()])
}

/// What a line tells, in Markdown.
pub(super) fn told(event: &Event) -> String {
    match event {
        Event::SittingOpened(opening) if opening.cut_octets > 0 => format!(
            "people sat down; {} octets of a line that a power cut left were cut off",
            opening.cut_octets
        ),
        Event::SittingOpened(_) => "people sat down".into(),
        Event::DefinitionRead { definition } => {
            format!("the definition was read, SHA-256 `{definition}`")
        }
        Event::Exception { finding, by, reason } => {
            format!("**exception**: {}. {}: {}", plain(finding), one(by), one(reason))
        }
        Event::SurroundingsChecked { findings: 0 } => "the surroundings were looked at".into(),
        Event::SurroundingsChecked { findings } => {
            format!("the surroundings were looked at, with {findings} findings above")
        }
        Event::ClockConfirmed { time, by } => {
            format!("{} compared the clock, which said {}", typed(by), plain(&time.to_string()))
        }
        Event::EntropyTyped { octets } => format!("{octets} octets were typed to mix into keys"),
        Event::ReshareConfirmed { threshold, custodians, by } => format!(
            "{} confirmed that {threshold} of {} are to open the keys",
            typed(by),
            typed(custodians)
        ),
        Event::ShareHandedOut { index, custodian, under_passphrase } => {
            let passphrase = if *under_passphrase { "under a passphrase" } else { "as it is" };
            format!("share {index} was handed out to {}, {passphrase}", one(custodian))
        }
        Event::KeyMaking { key } => format!("key {} was begun", plain(key)),
        Event::KeysReady { share_set, keys } => {
            format!("{} keys lie sealed; share set, SHA-256 `{share_set}`", keys.len())
        }
        Event::Planned { plan } => format!("the plan was made, SHA-256 `{plan}`"),
        Event::PlanConfirmed { plan, by } => {
            format!("{} confirmed the plan, SHA-256 `{plan}`", typed(by))
        }
        Event::SharesJoined { custodians } => {
            format!("{} typed in their shares, which opened the keys", typed(custodians))
        }
        Event::Signing { step, tbs } => {
            format!("{} is about to be signed, SHA-256 `{tbs}`", plain(step))
        }
        Event::Signed { file, der, .. } => {
            format!("{} was signed, SHA-256 of its DER `{der}`", plain(file))
        }
        Event::KeyDestroying { key, .. } => {
            format!("the file of key {} is about to be wiped", plain(key))
        }
        Event::KeyDestroyed { key, .. } => format!("the file of key {} was wiped", plain(key)),
        Event::SharesTested { custodians, groups } => format!(
            "{} tested their shares: {groups} groups of them give the key",
            typed(custodians)
        ),
        Event::Reshared { share_set, .. } => {
            format!("the keys were sealed under new shares; share set, SHA-256 `{share_set}`")
        }
        Event::Failed { message } => format!("**it failed**: {}", plain(message)),
        Event::SittingClosed {} => "the sitting came to its end".into(),
    }
}
