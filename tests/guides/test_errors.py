"""The guide to errors: every code, as the classes have it."""

from sequence.guides.error_tables import COMMAND, error_classes, path_and_text
from sequence.guides.library import guides
from transfers.models import ErrorCode


class TestTables:
    def test_are_those_of_the_classes(self):
        _, text = path_and_text()
        assert guides()["errors"].text == text, f"Run .venv/bin/python {COMMAND}"

    def test_have_every_code(self):
        text = guides()["errors"].text
        assert [refusal.code for refusal in error_classes() if f"`{refusal.code}`" not in text] == []

    def test_say_what_to_do(self):
        assert [refusal.__name__ for refusal in error_classes() if not getattr(refusal, "remedy", "")] == []


def test_every_code_of_a_transfer_is_explained():
    assert [code.value for code in ErrorCode if f"`{code.value}`" not in guides()["errors"].text] == []
