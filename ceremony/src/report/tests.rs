#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;
use crate::audit::{AuditError, audited};
use crate::folder;
use crate::rehearsal::tests::{DEFINITION, rehearsed};

const ANSWERS: &str = "
version: 1
definition: root.yaml
operator: Olga <b>Olsen</b>
witnesses: ['W*i*m']
entropy: 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 
passphrases: {Ben: correct horse battery staple}
present: [Ben, Cem]
";

fn checked(folder: &Folder) -> Result<String, AuditError> {
    Ok(markdown(&audited(folder)?, true))
}

#[test]
fn it_tells_who_was_there_what_happened_and_what_was_made() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    let report = rehearsal.result.as_ref().unwrap();
    let folder = Folder::new(rehearsal.folder());
    let text = checked(&folder).unwrap();
    for words in [
        "# Example Root 2026\n",
        "**A rehearsal: nothing of it is for use.**",
        &format!("`{}`  \n  {}\n", report.head, report.head.spoken()),
        "### Sitting 3: run",
        "- Operator: “Olga \\<b\\>Olsen\\<\\/b\\>”\n",
        "- Shares, as the definition has it: 2 of “Ana”, “Ben”, “Cem”\n",
        "- Number: 1\n",
        "Public key of next, **whose file was wiped**",
        "share 2 was handed out to “Ben”, under a passphrase",
        "“Ben”, “Cem” typed in their shares",
        "the file of key next was wiped",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("battery"));
    for output in &report.made {
        let digest = Digest::of(&output.der);
        assert!(text.contains(&format!("`{digest}`  \n  {}\n", digest.spoken())));
        assert!(text.contains(&format!("![QR code of {digest}](data:image/png;base64,iVBOR")));
    }
    let lines = text.lines().filter(|line| line.starts_with("- Line ")).count();
    assert_eq!(lines, report.lines);

    assert!(!text.contains("**Not done") && !text.contains("did not come to its end"));

    let page = html(&text);
    assert!(page.contains("<h1>Example Root 2026</h1>"), "{page}");
    assert!(page.contains("Olga &lt;b&gt;Olsen&lt;/b&gt;") && page.contains("W*i*m"), "{page}");
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), report.made.len());
    assert!(!page.contains("<b>Olsen"));
}

#[test]
fn nothing_is_told_of_a_ceremony_that_is_not_right() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    let folder = Folder::new(rehearsal.folder());
    std::fs::write(folder.path("out/root.pem"), "x").unwrap();
    let error = checked(&folder).unwrap_err().to_string();
    assert!(error.starts_with("out/root.pem: "), "{error}");
}

/// A ceremony that was cut off says so, and one whose paper is not there.
#[test]
fn what_did_not_come_to_its_end_is_told() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    let folder = Folder::new(rehearsal.folder());
    let whole = std::fs::read_to_string(folder.path(folder::TRANSCRIPT)).unwrap();
    let cut = whole.rfind("{\"entry\":{").unwrap();
    std::fs::write(folder.path(folder::TRANSCRIPT), &whole[..cut]).unwrap();
    let text = markdown(&audited(&folder).unwrap(), false);
    assert!(text.contains("**The last sitting did not come to its end**"), "{text}");
    assert!(text.contains("**The head was not compared with paper**"), "{text}");
}

/// What was typed can be no HTML of the page's, and no line of the report.
#[test]
fn names_are_text() {
    let page =
        html(&format!("# {}\n\n{}\n", plain("a <script>"), plain("<img src=x>\n# no title")));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert_eq!(html("<script>x</script>\n").matches("<script").count(), 0);
    assert_eq!(page.matches("<h1>").count(), 1);
    assert_eq!(typed(&["Wim”, “Wanda".to_owned()]), "“Wim\\\"\\, \\\"Wanda”");
    assert_eq!(plain("ok\u{2003}\u{3000}  • Line 13\n- x\u{7}"), "ok • Line 13 \\- x\\\\07");
}
