"""Table on a terminal: columns as wide as what stands in them, numbers to the right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

GAP = "  "


def table(columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield the lines of a table. ``columns`` has the heading of each field of the rows, in order."""
    cells = [[*columns.values()], *([_told(row.get(name)) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    to_the_right = [_are_numbers(row.get(name) for row in rows) for name in columns]
    for line in cells:
        padded = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, to_the_right, strict=True)
        )
        yield GAP.join(padded).rstrip()


def _told(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _are_numbers(values: Iterable[object]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(isinstance(value, int) and not isinstance(value, bool) for value in given)
