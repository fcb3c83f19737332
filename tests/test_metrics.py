"""/metrics: figures that monitors read, for whoever has the token, without anything private in them."""

import re

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from sequence.wiring import GAUGES
from tests.factories import IncomeSourceFactory, PodFactory
from tests.transfers.steps import fund, settle, transfer_between

pytestmark = pytest.mark.django_db
TOKEN = "monitor-of-the-house"


@pytest.fixture
def read(settings):
    settings.METRICS_TOKEN = TOKEN

    def get(**headers):
        return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **headers})

    return get


def figures(response):
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value for each in families for sample in each.samples
    }


class TestMetrics:
    def test_are_not_there_without_a_token(self, settings):
        settings.METRICS_TOKEN = ""
        assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
    def test_are_refused_to_whoever_lacks_it(self, read, header):
        refused = read(Authorization=header)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_tell_what_is_under_way_and_what_became_of_it(self, read, api, acme):
        income, rent = IncomeSourceFactory(organization=acme), PodFactory(organization=acme)
        fund(income, 100_00)
        transfer_between(api, income, rent, 1_00)
        transfer_between(api, income, rent, 500_00)
        before = figures(read())
        settle()
        after = figures(read())

        assert before["sequence_transfers_under_way processing"] == 2
        assert after["sequence_transfers_under_way processing"] == 0
        assert before["sequence_transfers_oldest_due_seconds"] > 0
        assert after["sequence_transfers_completed_last_hour"] == 2  # The deposit is one.
        assert after["sequence_transfers_failed_last_hour"] == 1
        assert before["sequence_events_unnumbered"] > after["sequence_events_unnumbered"] == 0

    def test_hold_nothing_private(self, read, acme):
        pod = PodFactory(organization=acme, name="Secret plans")
        fund(pod, 123_45)

        text = read().content.decode()
        for private in ("Secret", "Acme", acme.id, pod.id, "12345"):
            assert private not in text
        assert not re.search(r"(acc|org|txr|key)_[0-9A-Z]{26}", text)

    def test_cost_a_few_statements_each(self, read, django_assert_max_num_queries):
        with django_assert_max_num_queries(3 * len(GAUGES)):
            read()
