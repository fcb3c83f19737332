"""Failure sentences: why a run failed, as people read it. Programs read codes, and count from nought."""

import re

from transfers.failures import REASONS

_OF_AN_ACTION = re.compile(r"Action (\d+) failed: (\w+)\.")
_OF_TRANSFERS = re.compile(r"(\d+ of \d+) transfers failed: ([\w, ]+)\.")


def failure_in_words(message: str) -> str:
    """Return an execution's ``error_message`` without codes, its action counted from one."""
    if of_action := _OF_AN_ACTION.fullmatch(message):
        return f"Action {int(of_action[1]) + 1} failed: {code_in_words(of_action[2])}."
    if of_transfers := _OF_TRANSFERS.fullmatch(message):
        return f"{of_transfers[1]} transfers failed: {'; '.join(map(code_in_words, of_transfers[2].split(', ')))}."
    code, _, sentence = message.partition(": ")
    return sentence if code in REASONS else message


def code_in_words(code: str) -> str:
    """Return what a code says, to stand after a colon; of one without words itself, spelled out."""
    return REASONS.get(code, code.replace("_", " "))
