"""Lists as CSV: every row of the filters in force, streamed.

The rows come through a cursor on a connection of its own. One statement sees one instant, so that an export that takes
minutes still lists what there was when it began; and a cursor of the request's own connection would die with the
request, whose transaction is over before the first byte is sent.
"""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connections
from django.http import StreamingHttpResponse

from sequence.core import clock
from sequence.core.api.fields import show_time
from sequence.core.database.availability import is_away, reason_of
from sequence.core.database.replica import up_to_date
from sequence.core.typing import Context, Rows

# Rows that are held at a time: enough that a round trip weighs nothing, a megabyte or so.
CHUNK_ROWS = 2000
# Whoever stops reading keeps old rows from being cleaned up; after this long the database ends it.
MAX_STALL = "5min"
# What spreadsheets take for the beginning of a formula (full-width ones in Chinese and Japanese), and the sign that
# makes them read it as text. Where the locale separates cells by semicolons or tabs, a cell begins within a text, too;
# blanks and quotes before it are dropped. https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"""(\A|[;|\t\r\n"])([\s"']*)(?=[=+\-@＝＋－＠])""")
ACTING_CONTROLS = ("\t", "\r", "\n")
TEXT_SIGN = "'"
CSV = "text/csv; charset=utf-8"

# The last line of a file that is not whole. No reader takes it for a row.
BROKEN_OFF = "INCOMPLETE: this export broke off. Please try again.\r\n"

log = structlog.get_logger("sequence.exports")


@dataclass(frozen=True)
class Column:
    """One column: its heading, the path from the row to its value, and how the value is written if not as it is."""

    heading: str
    path: str
    write: Callable[[object], object] | None = None


CURRENCY = Column("currency", "pk", lambda _: "USD")


def write_value(value: object) -> str:
    """Return a value as it stands in a cell: times in RFC 3339 UTC, whole numbers as they are, no text that acts."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return show_time(value)
    if isinstance(value, int):
        return str(value)
    text = FORMULA.sub(rf"\1{TEXT_SIGN}\2", str(value))
    return TEXT_SIGN + text if text.startswith(ACTING_CONTROLS) else text


def export(rows: Rows, columns: Sequence[Column], *, name: str, **told: object) -> StreamingHttpResponse:
    """Return the answer that streams the rows as a file, oldest first. ``told`` goes into the log with their number."""
    return as_file(_lines(rows, columns), f"{name}-{clock.now():%Y-%m-%d}.csv", CSV, name=name, **told)


def as_file(
    chunks: Iterator[tuple[int, str]], filename: str, content_type: str, *, name: str, **told: object
) -> StreamingHttpResponse:
    """Return the answer that streams a file, made of texts each with the number of its rows."""
    response = StreamingHttpResponse(_told(chunks, name, told), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _told(chunks: Iterator[tuple[int, str]], name: str, told: Context) -> Iterator[bytes]:
    """Pass the chunks on, and log at the end, or when the reader has gone, how many rows left the house.

    The web server ends an answer that breaks off as it ends a whole one, so the file itself has to say it.
    """
    count, is_whole = 0, False
    log.info("export_begins", name=name, **told)
    try:
        for number, text in chunks:
            count += number
            yield text.encode()
        is_whole = True
    except Exception as error:
        if is_away(error):
            log.warning("database_unreachable", reason=reason_of(error))
        else:
            log.error("export_broke", name=name, exc_info=error, **told)
        yield BROKEN_OFF.encode()
    finally:
        log.info("export_ended", name=name, rows=count, is_whole=is_whole, **told)


def _lines(rows: Rows, columns: Sequence[Column]) -> Iterator[tuple[int, str]]:
    yield 0, csv_text([[column.heading for column in columns]])
    values = rows.order_by("pk").values_list(*(column.path for column in columns))
    for chunk in in_chunks(values):
        yield len(chunk), csv_text(_cells(row, columns) for row in chunk)


def _cells(row: Sequence[object], columns: Sequence[Column]) -> list[str]:
    return [
        write_value(column.write(value) if column.write else value) for column, value in zip(columns, row, strict=True)
    ]


def csv_text(lines: Iterable[Sequence[str]]) -> str:
    """Return lines of cells that ``write_value`` has written."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def in_chunks(values: Rows) -> Iterator[list[tuple]]:
    """Yield the rows as of the first call, chunk by chunk, in constant memory."""
    connection = connections.create_connection(up_to_date())
    connection.inc_thread_sharing()  # A server may run the parts of one answer in different threads.
    try:
        connection.set_autocommit(False)  # A cursor lives within a transaction, which closing the connection ends.
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{MAX_STALL}'")
        compiler = values.query.get_compiler(connection=connection)
        found = compiler.results_iter(chunked_fetch=True, chunk_size=CHUNK_ROWS)
        while chunk := list(itertools.islice(found, CHUNK_ROWS)):
            yield chunk
    finally:
        connection.close()
