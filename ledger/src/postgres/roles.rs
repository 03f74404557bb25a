//! What the role of a server may do: read and add, and change the few rows that are made for it.

use crate::LedgerError;

/// The SQL that an owner runs so that `role` can serve, and can do nothing else to the ledger.
///
/// # Errors
/// `InvalidField` for a name that PostgreSQL would cut, or that has control characters.
pub fn grants(role: &str) -> Result<String, LedgerError> {
    crate::record::text("role", role, 1, 63)?;
    if role.len() > 63 {
        return Err(LedgerError::InvalidField {
            field: "role",
            found: format!("{} octets", role.len()),
            allowed: "at most 63 octets".into(),
        });
    }
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    Ok(format!(
        "\
-- Run this as the owner of the ledger, after each `espalier ledger migrate`:
REVOKE ALL ON SCHEMA espalier FROM {role};
REVOKE ALL ON ALL TABLES IN SCHEMA espalier FROM {role};
GRANT USAGE ON SCHEMA espalier TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA espalier TO {role};
-- Rows are added; triggers of the owner fill the tables to find records and keys by.
GRANT INSERT ON espalier.authority, espalier.authority_certificate, espalier.record,
    espalier.certificate, espalier.revocation, espalier.blocked_key, espalier.crl,
    espalier.crl_list, espalier.audit_event, espalier.token, espalier.token_revocation,
    espalier.lease TO {role};
-- The only rows that change: whose turn it is to write, and who has which lease.
GRANT UPDATE (turn) ON espalier.writer TO {role};
GRANT UPDATE (holder, until, term) ON espalier.lease TO {role};
"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_role_is_quoted_whatever_its_name() {
        let sql = grants("ca; DROP TABLE \"record\"").unwrap();
        assert!(sql.contains("TO \"ca; DROP TABLE \"\"record\"\"\";"), "{sql}");
        assert!(!sql.contains("GRANT DELETE") && !sql.contains("TRUNCATE"), "{sql}");
        for role in ["", "a\nb", &"é".repeat(32)] {
            assert!(grants(role).is_err(), "{role:?}");
        }
    }
}
