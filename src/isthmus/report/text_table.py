"""Tables as plain text, for terminals and logs alike."""

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> str:
    """Columns of text with two blanks between them; columns that hold nothing are left out.

    Args:
        header: the names of the columns.
        rows: the cells; None is shown as nothing.
        numbers: the columns that are set flush right.

    >>> print(text_table(["class", "IoU"], [["land", 0.75], ["water", 0.5]], numbers=["IoU"]))
    class   IoU
    -----  ----
    land   0.75
    water   0.5
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    kept = [index for index in range(len(header)) if any(row[index] for row in cells)]
    widths = {index: max(len(header[index]), *(len(row[index]) for row in cells)) for index in kept}

    def line(row: Sequence[str]) -> str:
        shown = [
            row[index].rjust(widths[index]) if header[index] in numbers else row[index].ljust(widths[index])
            for index in kept
        ]
        return "  ".join(shown).rstrip()

    rule = ["-" * widths.get(index, 0) for index in range(len(header))]
    return "\n".join([line(header), line(rule), *map(line, cells)])


def short_number(count: int | None) -> str | None:
    """A large count as people say it.

    >>> short_number(86_200_000), short_number(950), short_number(None)
    ('86.2M', '950', None)
    """
    if count is None:
        return None
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)
