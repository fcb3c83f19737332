from pathlib import Path

from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject
from sequence.guides.error_tables import path_and_text


class Command(OperatorCommand):
    help = "Write the tables of docs/guides/errors.md anew, from the classes that refuse."

    def run(self, **options: object) -> JsonObject:
        path, text = path_and_text()
        Path(path).write_text(text, encoding="utf-8")
        return {"written": path}
