"""Money that arrives sets its account's rule off, once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from rules.models import ArrivalLook, RuleExecution
from sequence.core.events.models import EventCounter
from sequence.core.worker import run_once
from tests.rules.definitions import action, on_funds, rule, step
from tests.rules.steps import disable, enable, execution, move, notice, runs_of, write, write_enabled
from tests.transfers.steps import balances, fund, transfer_between
from transfers.ledger_invariants import find_faults
from transfers.models import ErrorCode, Transfer
from transfers.services import pull_from_outside
from transfers.settlement import accept, collect, submit
from transfers.simulated_rail_control import return_payment


@pytest.fixture
def routing(api, rent, savings):
    """An enabled rule: half of what arrives in Rent goes to Savings."""
    half = action("percentage", rent.id, savings.id, percentage_value=50, percentage_target="INCOMING_AMOUNT")
    return write_enabled(api, rule(step(half), trigger=on_funds(rent.id), nickname="Half"))


def later(seconds=60):
    return timezone.now() + timedelta(seconds=seconds)


class TestNoticeDeposits:
    def test_sets_a_deposit_aside_that_it_breaks_on_and_notices_it_later(self, routing, rent, savings, monkeypatch):
        deposits = [fund(rent, cents) for cents in (2_00, 6_66, 4_00)]
        with monkeypatch.context() as patch:
            patch.setattr(
                "rules.sweeps._sets_off", lambda transfer, rule: transfer.amount_cents / (6_66 - transfer.amount_cents)
            )
            run_once()
        assert [run.incoming_cents for run in runs_of(routing)] == [2_00, 4_00]
        assert list(Transfer.objects.stalled()) == [deposits[1]]

        run_once(later(60))
        assert len(runs_of(routing)) == 2
        run_once(later(400))

        assert [run.incoming_cents for run in runs_of(routing)] == [2_00, 4_00, 6_66]
        assert not Transfer.objects.stalled().exists()
        assert balances(savings) == [1_00 + 2_00 + 3_33]

    def test_sets_off_the_rule_of_a_deposit_once(self, api, routing, rent, savings):
        fund(rent, 100_01)

        run_once()
        run_once(later())

        [run] = runs_of(routing)
        told = execution(api, run.id)
        assert told["trigger_type"] == "on_funds_transferred"
        assert told["trigger_details"] == {"type": "on_funds_transferred", "amount_in_cents": 100_01}
        assert told["status"] == "executed"
        assert balances(rent, savings) == [50_01, 50_00]

    def test_sets_it_off_for_each_deposit_by_its_own_amount(self, routing, rent, savings):
        for cents in (100_00, 40_00, 20_00):
            fund(rent, cents)

        run_once()

        assert sorted(run.incoming_cents for run in runs_of(routing)) == [20_00, 40_00, 100_00]
        assert balances(rent, savings) == [80_00, 80_00]

    def test_sets_it_off_for_a_transfer_between_own_accounts(self, api, routing, income, rent, savings):
        fund(income, 100_00)
        transfer_between(api, income, rent, 60_00)
        run_once()

        assert [run.incoming_cents for run in runs_of(routing)] == [60_00]
        assert balances(income, rent, savings) == [40_00, 30_00, 30_00]

    def test_sets_it_off_for_a_pull_from_a_bank_only_after_that_has_settled(self, api, routing, bank, rent, savings):
        transfer_between(api, bank, rent, 60_00)
        run_once()
        assert runs_of(routing) == []

        run_once(later())

        assert [run.incoming_cents for run in runs_of(routing)] == [60_00]
        assert balances(rent, savings) == [30_00, 30_00]

    def test_sets_it_off_for_what_another_rule_moves_there(self, api, routing, income, rent, savings):
        write_enabled(api, rule(step(move(income, rent, 80_00)), trigger=on_funds(income.id)))
        fund(income, 100_00)

        run_once()

        assert [(run.incoming_cents, run.hops) for run in runs_of(routing)] == [(80_00, 2)]
        assert balances(income, rent, savings) == [20_00, 40_00, 40_00]

    def test_does_not_set_it_off_for_money_that_comes_back(self, api, routing, income, rent, savings, card):
        fund(rent, 100_00)
        run_once()
        paid = transfer_between(api, rent, card, 50_00)
        run_once(later())
        return_payment(paid.id, ErrorCode.PAYMENT_FAILED)
        run_once(later(120))

        assert len(runs_of(routing)) == 1
        assert balances(rent, savings) == [50_00, 50_00]

    def test_does_not_set_it_off_for_money_that_has_gone_back_before_anybody_noticed(
        self, api, routing, bank, rent, savings
    ):
        fund(rent, 100_00)
        run_once()
        pulled = transfer_between(api, bank, rent, 60_00)
        for sweep, seconds in ((accept, 60), (submit, 60), (collect, 90)):
            sweep(later(seconds))
        return_payment(pulled.id, ErrorCode.PAYMENT_FAILED)

        run_once(later(120))

        assert len(runs_of(routing)) == 1
        assert balances(rent, savings) == [50_00, 50_00]

    def test_does_not_set_it_off_for_money_that_leaves(self, routing, rent):
        fund(rent, 100_00)
        run_once()
        pull_from_outside(account_id=rent.id, amount_cents=10_00, by="test")
        run_once()

        assert len(runs_of(routing)) == 1

    def test_does_not_set_it_off_for_what_arrived_before_it_was_enabled(self, api, rent, savings):
        routing = write(api, rule(step(move(rent, savings, 1_00)), trigger=on_funds(rent.id)))
        fund(rent, 100_00)
        enable(routing)

        run_once()
        assert runs_of(routing) == []
        fund(rent, 5_00)
        run_once()

        assert [run.incoming_cents for run in runs_of(routing)] == [5_00]

    def test_does_not_set_off_one_that_is_disabled_nor_later_for_the_same_money(self, routing, rent):
        disable(routing)
        fund(rent, 100_00)
        run_once()
        enable(routing)
        run_once()

        assert runs_of(routing) == []

    def test_does_not_set_off_rules_of_another_kind_of_trigger(self, api, rent, savings):
        made = write_enabled(
            api, rule(step(move(rent, savings, 1_00)), trigger={"type": "MANUAL", "account_id": rent.id})
        )
        fund(rent, 100_00)

        run_once()

        assert runs_of(made) == []

    def test_reads_on_so_that_nobody_looks_twice(self, acme, routing, rent, income):
        fund(rent, 100_00)
        fund(income, 100_00)
        now = later()

        assert notice(now) == EventCounter.objects.get(organization=acme).last_sequence
        assert notice(now) == 0
        assert not ArrivalLook.objects.exists()

    def test_takes_one_batch_at_a_time(self, routing, rent, monkeypatch):
        monkeypatch.setattr("rules.sweeps.BATCH_SIZE", 2)
        for _ in range(3):
            fund(rent, 10_00)

        read = [(notice(later()), len(runs_of(routing))) for _ in range(3)]
        assert [runs for _, runs in read] == [2, 3, 3]
        assert [count for count, _ in read][1:] == [1, 0]

    def test_carries_the_request_id_of_the_money_along(self, api, routing, income, rent):
        fund(income, 100_00)
        body = {"source_account_id": income.id, "destination_account_id": rent.id, "amount_in_cents": 60_00}
        api.post("/transfers", body, headers={"X-Request-ID": "trace-7"})

        run_once()

        [run] = runs_of(routing)
        assert run.request_id == "trace-7"
        assert [transfer.request_id for transfer in run.transfers()] == ["trace-7"]

    def test_can_start_no_second_run_of_a_deposit_even_by_mistake(self, routing, rent):
        fund(rent, 100_00)
        run_once()
        [run] = runs_of(routing)
        run.pk = None
        run.id = RuleExecution._meta.pk.get_default()

        with pytest.raises(IntegrityError, match="execution_once_for_a_deposit"), transaction.atomic():
            run.save(force_insert=True)
        assert len(runs_of(routing)) == 1


class TestRing:
    def test_of_two_rules_stops_after_ten_hops(self, api, rent, savings):
        there = write_enabled(api, rule(step(move(rent, savings, 10_00)), trigger=on_funds(rent.id)))
        back = write_enabled(api, rule(step(move(savings, rent, 10_00)), trigger=on_funds(savings.id)))
        fund(rent, 10_00)

        run_once()

        runs = sorted(runs_of(there) + runs_of(back), key=lambda run: run.hops)
        assert [run.hops for run in runs] == list(range(1, 12))
        assert [run.status for run in runs] == ["executed"] * 10 + ["failed"]
        told = execution(api, runs[-1].id)
        assert told["error_message"].startswith("rule_loop_detected")
        assert (told["transfers_attempted"], told["transfer_ids"], told["next_attempt_at"]) == (0, [], None)
        # Ten movements there and back: the money is where it started.
        assert balances(rent, savings) == [10_00, 0]
        assert find_faults() == []

    def test_begins_to_count_anew_with_the_next_deposit(self, api, rent, savings):
        there = write_enabled(api, rule(step(move(rent, savings, 10_00)), trigger=on_funds(rent.id)))
        write_enabled(api, rule(step(move(savings, rent, 10_00)), trigger=on_funds(savings.id)))
        fund(rent, 10_00)
        run_once()
        fund(rent, 10_00)
        run_once()

        assert [run.hops for run in runs_of(there) if run.trigger_transfer.origin == "paycheck"] == [1, 1]
        assert RuleExecution.objects.count() == 22

    def test_counts_hops_through_a_bank_too(self, api, bank, rent, savings):
        # Rent pays the bank, and pulls the same back: each arrival is by a rule.
        write_enabled(api, rule(step(move(bank, rent, 10_00)), trigger=on_funds(rent.id)))
        fund(rent, 10_00)
        now = timezone.now()

        for minute in range(1, 15):
            run_once(now + timedelta(minutes=minute))

        last = RuleExecution.objects.order_by("-hops").first()
        assert (last.hops, last.status) == (11, "failed")
        assert balances(rent, bank) == [110_00, 400_00]
