//! Tables for people: lined on a terminal, plain columns elsewhere.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table};

use crate::cli::Terminal;

/// Lays rows out below a header. Columns whose index is in `right` are set flush right, as
/// numbers want it. Every line ends in LF and in no blanks.
pub fn render<const N: usize>(
    terminal: Terminal,
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    right: &[usize],
) -> String {
    let mut table = Table::new();
    if terminal.stdout() {
        let line = LineStyle::none().fill('─').junction('─');
        table.load_style(NOTHING.top_border(line).header_separator(line).bottom_border(line));
        table.set_content_arrangement(ContentArrangement::Dynamic);
    } else {
        table.force_no_tty().load_style(NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(header).add_rows(rows);
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_a_terminal_it_is_plain_columns() {
        let rows = [["a".to_owned(), "5".to_owned()], ["long".to_owned(), "1000".to_owned()]];
        let text = render(Terminal::plain(), ["name", "size"], rows, &[1]);
        assert_eq!(text, " name  size\n a        5\n long  1000\n");
    }
}
