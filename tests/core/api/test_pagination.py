"""Keyset pages, seen through ``GET /accounts``, and newest first directly."""

import random
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from django.core import signing

from accounts.models import Account
from sequence.core.api.pagination import paginate
from tests.factories import ExternalAccountFactory, PodFactory

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def pages(api, size: int, query: str = "", between=lambda: None) -> list[list[str]]:
    """Follow the cursors to the end and return the names on each page."""
    found, after = [], ""
    while True:
        body = api.get(f"/accounts?first={size}{query}{after}").json()
        found.append([account["name"] for account in body["data"]])
        if not body["page_info"]["has_next_page"]:
            return found
        after = f"&after={body['page_info']['end_cursor']}"
        between()


class TestPages:
    @pytest.fixture
    def names(self, acme):
        """Seven accounts: oldest first, the middle three at one instant."""
        moments = [NOON - timedelta(days=2), NOON - timedelta(microseconds=1), NOON, NOON, NOON, NOON + timedelta(1)]
        moments.append(NOON + timedelta(days=400))
        pods = [PodFactory(organization=acme, created_at=moment) for moment in moments]
        return [pod.name for pod in sorted(pods, key=lambda pod: (pod.created_at, pod.id))]

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 7, 8, 100])
    def test_show_every_row_once_in_order(self, api, names, size):
        found = pages(api, size)

        assert list(chain(*found)) == names
        assert all(len(page) == size for page in found[:-1])

    def test_are_all_in_one_without_first(self, api, acme):
        PodFactory.create_batch(150, organization=acme)

        body = api.get("/accounts").json()

        assert len(body["data"]) == 150
        assert body["page_info"]["has_next_page"] is False

    def test_go_on_behind_a_cursor_without_first(self, api, names):
        cursor = api.get("/accounts?first=3").json()["page_info"]["end_cursor"]

        rest = api.get(f"/accounts?after={cursor}").json()

        assert [account["name"] for account in rest["data"]] == names[3:]

    def test_of_nothing_have_no_cursor(self, api):
        assert api.get("/accounts?first=5").json()["page_info"] == {"end_cursor": None, "has_next_page": False}

    def test_end_in_the_cursor_of_the_last_row(self, api, names):
        info = api.get("/accounts").json()["page_info"]

        behind = api.get(f"/accounts?after={info['end_cursor']}").json()

        assert behind["data"] == []
        assert behind["page_info"] == {"end_cursor": None, "has_next_page": False}

    def test_keep_to_the_filter(self, api, acme, names):
        ExternalAccountFactory.create_batch(3, organization=acme, created_at=NOON)

        assert list(chain(*pages(api, 2, "&type=pod"))) == names

    def test_neither_repeat_nor_hide_rows_while_others_come_and_go(self, api, acme, names):
        seed = random.randrange(10**6)  # noqa: S311
        print(f"seed {seed}")  # noqa: T201 - to repeat a failure
        dice = random.Random(seed)  # noqa: S311

        def disturb():
            moment = NOON + timedelta(microseconds=dice.randrange(-3, 3))
            PodFactory(organization=acme, created_at=moment, name=f"Newcomer {moment}")
            dice.choice(Account.objects.filter(name__startswith="Newcomer").order_by("id")).delete_softly()

        found = list(chain(*pages(api, 1, between=disturb)))

        assert [name for name in found if not name.startswith("Newcomer")] == names

    def test_hold_their_place_when_the_row_of_the_cursor_is_deleted(self, api, names):
        body = api.get("/accounts?first=3").json()
        api.delete(f"/accounts/{body['data'][-1]['id']}")

        rest = api.get(f"/accounts?after={body['page_info']['end_cursor']}").json()

        assert [account["name"] for account in rest["data"]] == names[3:]


class TestCursor:
    @pytest.fixture
    def cursor(self, api, acme):
        PodFactory.create_batch(3, organization=acme)
        return api.get("/accounts?first=1").json()["page_info"]["end_cursor"]

    def test_works_as_it_was_given(self, api, cursor):
        assert len(api.get(f"/accounts?after={cursor}").json()["data"]) == 2

    @pytest.mark.parametrize(
        "change",
        [
            lambda cursor: cursor[:-1],
            lambda cursor: cursor[1:],
            lambda cursor: cursor[: len(cursor) // 2],
            lambda cursor: cursor.partition(":")[0],
            lambda cursor: cursor.partition(":")[0] + ":",
            lambda cursor: cursor + "x",
            lambda cursor: cursor.swapcase(),
            lambda cursor: "é" + cursor,
            lambda cursor: "1",
            lambda cursor: ":",
            lambda cursor: "WzE3NjcyMjU2MDAsMCwiYWNjXzAxIl0",
            lambda cursor: signing.Signer(salt="cursor:transfers").sign_object(
                signing.Signer(salt="cursor:accounts").unsign_object(cursor)
            ),
            lambda cursor: signing.Signer(salt="cursor:accounts", key="guessed").sign_object([1, 2, "acc_1"]),
            lambda cursor: signing.Signer(salt="cursor:accounts").sign("not base64"),
        ],
    )
    def test_is_refused_when_forged_truncated_or_of_another_list(self, api, cursor, change):
        response = api.get(f"/accounts?after={change(cursor)}")

        assert response.status_code == 400
        assert response.json()["error"]["details"][0]["code"] == "bad_cursor"

    def test_of_another_organization_shows_nothing_of_it(self, api, other_api, cursor):
        assert other_api.get(f"/accounts?after={cursor}").json()["data"] == []

    def test_survives_in_a_url_without_escaping(self, cursor):
        assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:~")


class TestNewestFirst:
    def test_is_the_exact_reverse(self, acme):
        for moment in [NOON, NOON, NOON + timedelta(seconds=1), NOON - timedelta(seconds=1), NOON]:
            PodFactory(organization=acme, created_at=moment)

        def walk(newest_first: bool) -> list[str]:
            found, after = [], None
            while True:
                page = paginate(
                    Account.objects.all(),
                    show=lambda account: account.id,
                    list_name="test",
                    newest_first=newest_first,
                    first=2,
                    after=after,
                )
                found += page.items
                if not page.info["has_next_page"]:
                    return found
                after = page.info["end_cursor"]

        assert len(walk(newest_first=True)) == 5
        assert walk(newest_first=True) == walk(newest_first=False)[::-1]
