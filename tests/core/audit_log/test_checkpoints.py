"""Checkpoints: the signed head of each organization, once a day, and again where the day's transaction was undone."""

import base64
from datetime import timedelta

import pytest
from django.db import transaction

from sequence.core import clock
from sequence.core.audit_log.checkpoints import take_checkpoints
from sequence.core.audit_log.signing import is_signed, public_keys
from tests.core.audit_log.logs import seal, write


@pytest.fixture
def log(acme, globex):
    write(acme, 2), write(globex), write(None)
    seal()


class TestCheckpoints:
    def test_are_the_signed_head_of_each_organization_once_a_day(self, log, acme, globex):
        now = clock.now()
        heads = dict(take_checkpoints(now))

        assert {id: head["sequence"] for id, head in heads.items()} == {acme.id: 2, globex.id: 1}
        assert all(is_signed(head, base64.b64decode(public_keys()["ak1"])) for head in heads.values())
        assert take_checkpoints(now) == []
        assert len(take_checkpoints(now + timedelta(days=1))) == 2

    def test_are_due_again_where_they_were_not_told(self, log):
        with transaction.atomic():
            assert len(take_checkpoints(clock.now())) == 2
            transaction.set_rollback(True)

        assert len(take_checkpoints(clock.now())) == 2

    def test_are_of_chains_that_have_begun(self, acme):
        write(acme)

        assert take_checkpoints(clock.now()) == []
