"""Fields that transfers and rules share."""

import re

from sequence.core.api.fields import Text
from sequence.core.typing import JsonObject

# What a bank statement has room for.
MAX_STATEMENT_TEXT = 10
_FORM = re.compile(rf"[A-Za-z0-9 ]{{1,{MAX_STATEMENT_TEXT}}}")


class StatementText(Text):
    """At most ten ASCII letters, digits and spaces: it goes on the bank statement."""

    default_error_messages = {"statement_text": "Use at most 10 letters, digits and spaces."}

    def to_internal_value(self, data: object) -> str:
        text = super().to_internal_value(data)
        # As it was sent: what is trimmed off counts, and a line break is no space.
        if not _FORM.fullmatch(data if isinstance(data, str) else text):
            self.fail("statement_text")
        return text

    def json_schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^{_FORM.pattern}$"}
