"""The page that makes an API key."""

import pytest
from django.db import connection

from apikeys.models import ApiKey, Organization, OrganizationStatus
from tests.apikeys.pages import NEW_KEY, TOKEN, errors_of, post_new_key, status_with
from tests.factories import PodFactory
from tests.staff import page_of


def everything_stored():
    """Return all rows of all tables as text."""
    text = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - a table of ours
            text += [row for (row,) in cursor.fetchall()]
    return "\n".join(text)


class TestANewKey:
    def test_asks_for_an_active_organization_first(self, staff, acme, globex):
        Organization.objects.filter(id=globex.id).update(status=OrganizationStatus.SUSPENDED)
        page = staff.get(NEW_KEY).content.decode()

        assert acme.id in page
        assert globex.id not in page

    def test_is_shown_once_and_works(self, staff, acme):
        response = post_new_key(staff, acme, {"scope": "LIST_ACCOUNTS"})
        [token] = TOKEN.findall(response.content.decode())

        assert status_with(token) == 200
        assert "no-store" in response["Cache-Control"]
        assert token not in staff.get(page_of(ApiKey.objects.get())).content.decode()

    def test_is_stored_nowhere_in_clear(self, staff, acme):
        response = post_new_key(staff, acme, {"scope": "LIST_ACCOUNTS"})
        [token] = TOKEN.findall(response.content.decode())
        status_with(token)

        stored, shown = everything_stored(), ApiKey.objects.get().prefix
        assert shown in stored, "the part that people recognise it by"
        assert token.removeprefix(shown) not in stored

    def test_has_the_entries_and_the_maker_that_the_page_says(self, staff, acme):
        pod = PodFactory(organization=acme)
        post_new_key(
            staff,
            acme,
            {"scope": "READ_ACCOUNTS", "accounts": [pod.id]},
            {
                "scope": "MANUAL_TRANSFER",
                "source": pod.id,
                "target": "*",
                "max_amount_cents": "1,250.50",
                "max_amount_per_month_cents": "5000",
                "approval_above_cents": "0",
            },
            rate_limit_per_minute="7",
        )

        key = ApiKey.objects.get()
        assert (key.created_by, key.permissions_changed_by, key.rate_limit_per_minute) == ("staff:ann", "staff:ann", 7)
        assert [permission.as_text() for permission in key.permissions()] == [
            f"READ_ACCOUNTS:{pod.id}",
            f"MANUAL_TRANSFER:{pod.id}>*@125050;month=500000;approval=0",
        ]

    def test_offers_no_account_of_somebody_else(self, staff, acme, globex):
        theirs = PodFactory(organization=globex)
        response = post_new_key(staff, acme, {"scope": "READ_ACCOUNTS", "accounts": [theirs.id]})

        [faults], _ = errors_of(response)
        assert list(faults) == ["accounts"]
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("entry", "field", "words"),
        [
            ({"scope": "READ_ACCOUNTS"}, "accounts", "READ_ACCOUNTS needs this"),
            ({"scope": "READ_RULES"}, "rules", "READ_RULES needs this"),
            ({"scope": "MANUAL_TRANSFER", "source": "*"}, "target", "MANUAL_TRANSFER needs this"),
            ({"scope": "LIST_ACCOUNTS", "max_amount_cents": "5"}, "max_amount_cents", "has no such field"),
            ({"scope": "LIST_ACCOUNTS", "source": "*"}, "source", "has no such field"),
            ({"scope": "", "source": "*"}, "scope", "required"),
            ({"scope": "BECOME_KING"}, "scope", "valid choice"),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_cents": "0"},
                "max_amount_cents",
                "at least 0.01 dollars",
            ),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_cents": "1.5"},
                "max_amount_cents",
                "Write US dollars",
            ),
            (
                {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*", "max_amount_per_day_cents": "9" * 20},
                "max_amount_per_day_cents",
                "largest possible",
            ),
        ],
    )
    def test_explains_a_bad_entry_at_its_field(self, staff, acme, entry, field, words):
        [faults], _ = errors_of(post_new_key(staff, acme, entry))

        assert list(faults) == [field]
        assert words in faults[field][0]
        assert not ApiKey.objects.exists()

    def test_refuses_a_star_beside_single_accounts(self, staff, acme):
        pod = PodFactory(organization=acme)
        [faults], _ = errors_of(post_new_key(staff, acme, {"scope": "READ_ACCOUNTS", "accounts": ["*", pod.id]}))

        assert "already reaches all of them" in faults["accounts"][0]

    @pytest.mark.parametrize(
        ("forms", "words"),
        [([], "at least one permission"), ([{"scope": "LIST_RULES"}, {"scope": "LIST_RULES"}], "are the same")],
    )
    def test_refuses_no_entries_and_the_same_twice(self, staff, acme, forms, words):
        _, [fault] = errors_of(post_new_key(staff, acme, *forms))

        assert words in fault
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"), [("rate_limit_per_minute", "0"), ("expires_at_0", "2020-01-01"), ("name", "")]
    )
    def test_refuses_a_key_that_could_not_be_used(self, staff, acme, field, value):
        time = {"expires_at_1": "12:00"} if field == "expires_at_0" else {}
        response = post_new_key(staff, acme, {"scope": "LIST_RULES"}, **{field: value}, **time)

        assert list(response.context["adminform"].form.errors) == [field.removesuffix("_0")]
        assert not ApiKey.objects.exists()


class TestAnEntryWithoutLimits:
    PAIR = {"scope": "MANUAL_TRANSFER", "source": "*", "target": "*"}

    def test_needs_a_word_that_it_is_meant(self, staff, acme):
        response = post_new_key(staff, acme, self.PAIR)

        [faults], _ = errors_of(response)
        assert list(faults) == ["no_limit"]
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("bound", [{"no_limit": "on"}, {"max_amount_cents": "5"}, {"approval_above_cents": "0"}])
    def test_is_made_with_that_word_or_with_a_limit(self, staff, acme, bound):
        assert post_new_key(staff, acme, {**self.PAIR, **bound}).status_code == 200
        assert ApiKey.objects.count() == 1


class TestTheFormOfANewKey:
    def test_names_its_organization(self, staff, acme):
        assert "New API key for Acme" in staff.get(f"{NEW_KEY}?organization={acme.id}").content.decode()
