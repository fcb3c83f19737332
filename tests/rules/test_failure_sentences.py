"""Why a run failed, in words: on the console, on its page and where a rule is simulated; in the API as codes."""

import re

import pytest

from rules.failure_sentences import failure_in_words
from sequence.core.worker import run_once
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, run_now, write_enabled
from tests.staff import Staff
from tests.transfers.steps import fund
from transfers.failures import REASONS, REMEDIES
from transfers.models import ErrorCode

TOO_LITTLE = "Action 2 failed: there was not enough money in the source."


class TestFailureInWords:
    @pytest.mark.parametrize(
        ("message", "words"),
        [
            ("Action 1 failed: insufficient_funds.", TOO_LITTLE),
            ("Action 0 failed: of_another_time.", "Action 1 failed: of another time."),
            (
                "2 of 3 transfers failed: insufficient_funds, payment_failed.",
                "2 of 3 transfers failed: there was not enough money in the source; the payment did not go through.",
            ),
            ("rule_loop_detected: It ran too often.", "It ran too often."),
            ("The rule was disabled: nobody wants it.", "The rule was disabled: nobody wants it."),
        ],
    )
    def test_has_no_codes_and_counts_from_one(self, message, words):
        assert failure_in_words(message) == words

    def test_has_words_for_each_code(self):
        assert set(REASONS) == set(REMEDIES) == set(ErrorCode)


class TestPages:
    @pytest.fixture
    def written(self, api, income, rent, savings):
        fund(income, 10_00)
        return write_enabled(
            api, rule(step(move(income, rent, 10_00), move(income, savings, 5_00)), trigger=manual(income.id))
        )

    def test_tell_it_in_words_where_the_api_has_the_code(self, api, written):
        root = Staff("root", is_superuser=True)
        told = run_now(api, written)
        run_once()

        assert told["error_message"] == "Action 1 failed: insufficient_funds."
        execution = root.get(f"rules/ruleexecution/{told['id']}/change/").content.decode()
        for page in (execution, root.get("").content.decode()):
            assert TOO_LITTLE in page
            assert "insufficient_funds" not in page
        assert re.findall(r"^Action (\d), [^:]+: (\w+)", execution, re.MULTILINE) == [("1", "moved"), ("2", "failed")]

    def test_tell_it_of_a_simulation(self, written):
        root = Staff("root", is_superuser=True)
        page = root.post(f"rules/rule/{written.id}/simulate/", amount="", date="2026-11-26").content.decode()

        assert TOO_LITTLE in page
        assert "insufficient_funds" not in page
