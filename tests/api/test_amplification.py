"""What the largest and worst requests cost, and how much they are answered: CPU seconds and bytes."""

import json
import time

import pytest

from sequence.core.api.bodies import MAX_BYTES

# Reading a megabyte of JSON strictly takes a good part of a second on a slow machine; what grew with the faults took 7.
CPU_SECONDS = 2
# An answer is never larger than a small part of the largest request.
ANSWER_BYTES = 100_000

ROOM = MAX_BYTES - 1000
UNKNOWN = {f"f{number:06}": 1 for number in range(ROOM // 14)}
LONG_NAMES = {f"{number:03}" + "n" * (ROOM // 120): 1 for number in range(100)}
WORST = {
    "unknown fields": UNKNOWN,
    "unknown fields with long names": LONG_NAMES,
    "one endless name": {"n" * ROOM: 1},
    "an endless text": {"nickname": "n" * ROOM, "description": "d", "colour": "c"},
    "texts where numbers belong": {"amount_in_cents": "9" * ROOM},
    "an endless id": {"source_account_id": "acc_" + "A" * ROOM},
    "a list of lists": {"steps": [[]] * (ROOM // 4)},
    "many steps": {"trigger": {"type": "MANUAL"}, "steps": [{"x": 1}] * (ROOM // 11)},
    "a tree of nothing": {
        "trigger": {"type": "MANUAL"},
        "steps": [{"conditions": {"any": [{"any": [1] * 100}] * 100}, "actions": [{"type": "none"}]}] * 46,
    },
    "an endless enumeration": {"trigger": {"type": "T" * ROOM}, "steps": []},
}
ROUTES = ["/transfers", "/accounts/pods", "/accounts/income-sources", "/rules", "/key/pause"]


class TestTheWorstBody:
    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize("body", WORST.values(), ids=WORST.keys())
    def test_costs_little_and_is_answered_briefly(self, api, path, body):
        raw = json.dumps(body, separators=(",", ":")).encode()
        assert len(raw) <= MAX_BYTES
        began = time.process_time()
        answer = api.request("POST", path, raw=raw)
        took = time.process_time() - began

        assert answer.status_code == 400
        assert took < CPU_SECONDS
        assert len(answer.content) < ANSWER_BYTES
        assert len(answer.json()["error"].get("details", [])) <= 100

    @pytest.mark.parametrize(
        "query", ["&".join(f"q{n}=1" for n in range(5000)), "q" * 60_000 + "=1", "account_id=" + "a" * 60_000]
    )
    def test_is_no_worse_than_the_worst_query(self, api, query):
        began = time.process_time()
        answer = api.get(f"/transfers?{query}")

        assert answer.status_code in (400, 404)
        assert time.process_time() - began < CPU_SECONDS
        assert len(answer.content) < ANSWER_BYTES
