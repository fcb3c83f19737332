"""One box finds what people know: an amount, a day, a description, a name, a merchant, a key."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.admin.search import open_by_token
from apikeys.services import create_api_key
from apikeys.tokens import new_token
from sequence.core import clock
from sequence.core.admin.searching import MOST_HITS, read_asked
from sequence.core.admin.timeline import address_of
from sequence.core.audit_log.models import AuditEntry
from sequence.core.models import AuditTrail
from sequence.stops.services import pause_key
from tests.cards.steps import buy, issue
from tests.factories import IncomeSourceFactory, PodFactory
from tests.rules.definitions import manual, rule, step
from tests.rules.steps import move, write_enabled
from tests.staff import Staff, list_of
from tests.transfers.steps import fund, post_transfer
from transfers.admin.search import find_transfers_like
from transfers.models import Transfer

# The person and the session, what a request may have done, and one look at each kind of thing, some in two ways.
MAX_QUERIES = 44


@pytest.fixture
def root(db):
    return Staff("root", is_superuser=True)


@pytest.fixture
def income(acme):
    account = IncomeSourceFactory(organization=acme, name="Payroll")
    fund(account, 30_000_00)
    return account


@pytest.fixture
def rent(acme):
    return PodFactory(organization=acme, name="Rent")


@pytest.fixture
def key(acme):
    return create_api_key(organization=acme, name="Bookkeeper", permissions=[], created_by="test")


def find(staff: Staff, text: str):
    """Type into the box, and go where it leads."""
    return staff.post("search/", q=text)


def found_by(staff: Staff, text: str) -> dict[str, list[str]]:
    """Return the texts of what was found, by kind."""
    kinds = find(staff, text).context.get("kinds") or []
    return {kind.title: [hit.text for hit in kind.hits] for kind in kinds}


class TestAnAmount:
    @pytest.mark.parametrize("text", ["22268.53", "$22,268.53", "22,268.53", " $22268.53 "])
    def test_finds_the_transfers_of_just_that(self, root, api, income, rent, text):
        post_transfer(api, income, rent, 2226853)
        post_transfer(api, income, rent, 2226854)

        assert found_by(root, text) == {"Transfers of $22,268.53": ["$22,268.53 Payroll → Rent"]}

    @pytest.mark.parametrize("text", ["640", "640.00", "$640"])
    def test_without_cents_is_of_whole_dollars(self, root, api, income, rent, text):
        post_transfer(api, income, rent, 640_00)
        post_transfer(api, income, rent, 6_40)

        assert found_by(root, text) == {"Transfers of $640.00": ["$640.00 Payroll → Rent"]}

    def test_finds_card_transactions_too(self, root, income, acme):
        fund(income, 43_10)
        card = issue(pod := PodFactory(organization=acme, name="Food"))
        fund(pod, 100_00)
        buy(card, 43_10, "Blue Bottle Coffee")

        assert found_by(root, "43.10")["Card transactions of $43.10"] == ["$43.10 at Blue Bottle Coffee"]

    def test_shows_the_newest_few_and_leads_to_the_list_of_all(self, root, api, income, rent):
        for _ in range(MOST_HITS + 1):
            post_transfer(api, income, rent, 1_00)
        newest = Transfer.objects.order_by("-created_at", "-id").first()

        [kind] = find(root, "1.00").context["kinds"]

        assert len(kind.hits) == MOST_HITS
        assert kind.hits[0].address == address_of(newest)
        assert kind.has_more
        listed = root.client.get(kind.address)
        assert listed.context["cl"].result_count == MOST_HITS + 1

    def test_of_the_list_is_asked_for_in_dollars(self, root, api, income, rent):
        post_transfer(api, income, rent, 1_00)

        for amount, count in (("1", 1), ("$1.00", 1), ("1.01", 0), ("a lot", 0)):
            assert root.client.get(list_of(Transfer), {"amount": amount}).context["cl"].result_count == count


class TestATextOrADay:
    def test_finds_transfers_by_description(self, root, api, income, rent):
        post_transfer(api, income, rent, 1_00, description="July rent")
        post_transfer(api, income, rent, 2_00, description="August")

        assert found_by(root, "july") == {"Transfers by description": ["$1.00 Payroll → Rent"]}
        assert found_by(root, "JULY RENT") == {"Transfers by description": ["$1.00 Payroll → Rent"]}

    def test_takes_no_sign_for_a_wildcard(self, root, api, income, rent):
        post_transfer(api, income, rent, 1_00, description="July rent")

        assert "Transfers by description" not in found_by(root, "%y")
        assert "Transfers by description" not in found_by(root, "J_ly")

    def test_finds_what_was_asked_for_on_a_day(self, root, api, income, rent):
        post_transfer(api, income, rent, 7_00)
        today = f"{clock.now():%Y-%m-%d}"

        assert "$7.00 Payroll → Rent" in found_by(root, today)[f"Transfers of {today}"]
        assert found_by(root, "2020-02-02") == {}

    def test_finds_everything_that_has_a_name(self, root, api, acme, income, rent, key):
        write_enabled(api, rule(step(move(income, rent, 1_00)), trigger=manual(income.id), nickname="Rainy day"))
        issue(rent, holder_name="Grace Hopper")

        assert found_by(root, "payr") == {"Accounts": ["Payroll"]}
        assert found_by(root, "rainy") == {"Rules": ["Rainy day"]}
        assert found_by(root, "keeper") == {"API keys": [str(key[0])]}
        assert list(found_by(root, "hopper")) == ["Cards"]
        assert found_by(root, acme.name)["Organizations"] == [acme.name]

    def test_finds_merchants_by_any_word_of_their_name(self, root, acme):
        fund(pod := PodFactory(organization=acme, name="Food"), 100_00)
        buy(issue(pod), 5_00, "Blue Bottle Coffee")

        for text in ("blue", "Coffee", "BOTTLE"):
            assert found_by(root, text)["Card transactions by merchant"] == ["$5.00 at Blue Bottle Coffee"]

    def test_finds_old_purchases_by_how_the_merchants_name_begins(self, root, acme, monkeypatch):
        monkeypatch.setattr("cards.admin.search.NEWEST_READ", 1)
        fund(pod := PodFactory(organization=acme, name="Food"), 100_00)
        card = issue(pod)
        buy(card, 5_00, "Blue Bottle Coffee")
        buy(card, 6_00, "Market")

        assert found_by(root, "blue")["Card transactions by merchant"] == ["$5.00 at Blue Bottle Coffee"]
        assert "Card transactions by merchant" not in found_by(root, "coffee")

    def test_shows_nobody_what_they_may_not_see(self, api, income, rent):
        post_transfer(api, income, rent, 640_00, description="Payroll")
        bob = Staff("bob", "accounts.view_account")

        assert found_by(bob, "payroll") == {"Accounts": ["Payroll"]}
        assert found_by(bob, "640") == {}

    def test_is_told_as_text(self, root, acme):
        PodFactory(organization=acme, name="<b>Fat</b> pod")

        page = find(root, "Fat").content.decode()

        assert "<b>Fat" not in page
        assert "&lt;b&gt;Fat" in page


class TestAnId:
    def test_is_understood_as_the_other_dialect_spells_it(self, root, rent):
        spelled = str(rent._meta.pk.get_prep_value(rent.pk))

        response = root.client.post("/admin/search/", {"q": spelled})

        assert root.client.get(response.url).url == address_of(rent)

    def test_that_is_no_uuid_of_ours_is_told_kindly(self, root, rent):
        for text in (str(uuid.uuid4()), "not-a-uuid", "2026-13-41"):
            assert "What may help" in find(root, text).content.decode()


class TestAKey:
    def test_is_found_by_how_it_begins(self, root, key):
        assert found_by(root, key[0].prefix) == {"API keys": [str(key[0])]}

    def test_is_stopped_from_where_it_was_found_by_whoever_may(self, root, key):
        address = f"{address_of(key[0])}../stop/"
        viewer = Staff("bob", "apikeys.view_apikey")

        assert f'href="{address}"' in find(root, "Bookkeeper").content.decode()
        assert str(key[0]) in (seen := find(viewer, "Bookkeeper").content.decode())
        assert address not in seen

    def test_that_is_stopped_is_not_offered_to_be_stopped_again(self, root, key):
        pause_key(key_id=key[0].id, by="test")

        assert "../stop/" not in find(root, "Bookkeeper").content.decode()

    @pytest.mark.parametrize("around", ["{}", "Authorization: ApiKey {}", "  {}\n", "TOKEN={}"])
    def test_that_is_pasted_whole_leads_to_its_page(self, root, key, around):
        response = root.client.post("/admin/search/", {"q": around.format(key[1])})

        assert response.url == address_of(key[0])

    @pytest.mark.parametrize("cut", [43, 42, 20, 10])
    def test_or_the_most_of_one_stands_nowhere_afterwards(self, root, key, cut, caplog):
        """No address, answer, log, audit entry or trail, whether it is known or not, whole or cut off."""
        token = (key[1] if cut == 43 else new_token())[:cut]
        changes, entries = AuditTrail.objects.count(), AuditEntry.objects.count()
        caplog.clear()

        response = root.client.post("/admin/search/", {"q": token})

        assert token not in response.content.decode()
        assert token not in response.headers.get("Location", "")
        assert token not in caplog.text
        assert (AuditTrail.objects.count(), AuditEntry.objects.count()) == (changes, entries)

    def test_that_nobody_has_is_told(self, root, key):
        assert "No key here has this secret" in find(root, new_token()).content.decode()

    def test_in_an_address_is_neither_looked_up_nor_repeated(self, root, key):
        page = root.get("search/", q=key[1])

        assert page.status_code == 200
        assert key[1] not in page.content.decode()
        assert "revoke it" in page.content.decode()

    def test_of_those_one_may_not_see_leads_nowhere(self, key):
        page = find(Staff("bob", "transfers.view_transfer"), key[1]).content.decode()

        assert "your permissions do not cover API keys" in page
        assert key[0].name not in page

    def test_is_no_word_that_merely_resembles_one(self, key):
        for text in ("task_runnername", "sk_", key[0].prefix, "risk_assessment"):
            assert open_by_token(text) == (False, None)


class TestTheBox:
    def test_gives_whatever_is_no_secret_an_address(self, root, rent):
        assert root.client.post("/admin/search/", {"q": " rent & more "}).url == "/admin/search/?q=rent+%26+more"

    def test_leaves_no_entry_in_the_audit_log(self, root, rent):
        before = AuditEntry.objects.count()

        find(root, "rent")

        assert AuditEntry.objects.count() == before

    def test_asks_as_many_queries_however_much_there_is(self, root, api, acme, income, rent):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get("search/", q="640")
            return len(captured)

        post_transfer(api, income, rent, 640_00)
        few = queries()
        fund(pod := PodFactory(organization=acme, name="Pod 640"), 2_000_00)
        card = issue(pod)
        for _ in range(3):
            post_transfer(api, income, rent, 640_00, description="640")
            buy(card, 640_00, "Shop 640")

        assert queries() == few <= MAX_QUERIES

    @pytest.mark.as_owner
    def test_never_reads_all_transfers(self, acme, income, rent, by_length):
        rows = by_length(short=4_000, full=100_000, long=100_000)
        transfer = Transfer.objects.create(
            organization=acme,
            amount_cents=100,
            direction="internal",
            origin="user",
            status="complete",
            completed_at=clock.now(),
            source=income,
            destination=rent,
            rail="ledger",
        )
        _copy(transfer, rows)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE transfers_transfer")

        with CaptureQueriesContext(connection) as captured:
            for text in ("7.40", "No 77", f"{clock.now():%Y-%m-%d} 00:00", "nothing like it"):
                list(find_transfers_like(read_asked(text)))

        plans = [_plan(query["sql"]) for query in captured if query["sql"].startswith("SELECT")]
        assert len(plans) >= 6
        for plan in plans:
            assert "Seq Scan on transfers_transfer" not in plan


def _copy(transfer: Transfer, rows: int) -> None:
    """Make as many like it, which differ in amount and description: in the database, where it takes a moment."""
    changed = {
        "id": "gen_random_uuid()",
        "amount_cents": "amount_cents + number",
        "description": "CASE WHEN mod(number, 3) > 0 THEN 'No ' || mod(number, 5000) END",
    }
    columns = [field.column for field in Transfer._meta.concrete_fields if not field.generated]
    values = ", ".join(changed.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO transfers_transfer ({', '.join(columns)})"  # noqa: S608 - nothing of it comes from outside
            f" SELECT {values} FROM transfers_transfer, generate_series(1, %s) number WHERE id = %s",
            [rows, Transfer._meta.pk.get_prep_value(transfer.pk)],
        )


def _plan(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(line for [line] in cursor.fetchall())
