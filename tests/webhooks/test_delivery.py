"""Delivery: what happens is told, in order, signed, again and again until it is taken."""

import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from sequence.core.events.models import Event
from sequence.webhooks.dispatcher import GIVE_UP_SECONDS
from sequence.webhooks.models import DisabledReason, EndpointStatus, PendingDelivery, WebhookDelivery
from sequence.webhooks.sending import Budget
from tests.webhooks.conftest import Receiver, answer, receiving

pytestmark = pytest.mark.django_db


def tries():
    return list(WebhookDelivery.objects.order_by("id").values_list("attempt", "status", "status_code", "error"))


class TestAnEvent:
    def test_arrives_signed_as_the_api_tells_it(self, endpoint, receiver, happen, work, reader):
        happen()
        work()

        [request] = receiver.requests
        event = Event.objects.get()
        assert Webhook(endpoint.secret).verify(request.body, request.headers) == request.json
        assert request.json == reader.get(f"/events/{event.id}").json()["data"]
        assert request.headers["webhook-id"] == event.id
        assert request.headers["content-type"] == "application/json"
        assert request.path == "/hook"
        assert b'": ' not in request.body
        assert tries() == [(1, "delivered", 204, None)]
        assert not PendingDelivery.objects.exists()

    def test_arrives_once_and_in_order(self, endpoint, receiver, happen, work):
        happen(30)
        work()
        work()

        assert receiver.numbers == list(range(1, 31))
        assert receiver.most_at_once == 1
        assert receiver.connections == 1

    def test_of_before_is_not_told(self, endpoint_at, receiver, happen, work):
        happen()
        work()
        endpoint_at(receiver.url)
        work()

        assert receiver.requests == []

    def test_of_somebody_else_is_not_told(self, endpoint, receiver, happen, work, globex):
        happen(organization=globex)
        work()

        assert receiver.requests == []

    def test_is_told_to_those_that_want_it(self, endpoint_at, receiver, other_receiver, happen, work):
        endpoint_at(receiver.url, events=["key.paused"])
        endpoint_at(other_receiver.url, events=["key.paused", "audit.checkpoint"])
        happen()
        work()

        assert (receiver.requests, other_receiver.names) == ([], ["audit.checkpoint"])


class TestARefusal:
    @pytest.mark.parametrize("status", [199 + 1 + 100, 302, 307, 400, 401, 404, 409, 429, 500, 503])
    def test_is_whatever_is_not_2xx(self, endpoint, receiver, happen, work, status):
        receiver.behave = answer(status, {"Location": receiver.url})
        happen()
        work()

        assert tries() == [(1, "retrying", status, None)]
        assert len(receiver.requests) == 1  # A redirect is not followed.

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_is_no_2xx(self, endpoint, receiver, happen, work, status):
        receiver.behave = answer(status)
        happen()
        work()

        assert tries() == [(1, "delivered", status, None)]

    def test_is_tried_again_on_schedule_and_given_up_after_eleven(self, endpoint, receiver, happen, work):
        receiver.behave = answer(500)
        happen()
        now = timezone.now()
        gone_by = []
        for attempt in range(1, 12):
            work(now)
            assert len(receiver.requests) == attempt
            delivery = WebhookDelivery.objects.get(attempt=attempt)
            if delivery.next_attempt_at is not None:
                gone_by.append(delivery.next_attempt_at - now)
                work(delivery.next_attempt_at - timedelta(milliseconds=1))
                assert len(receiver.requests) == attempt
                now = delivery.next_attempt_at

        pauses = [5, 30, 2 * 60, 10 * 60, 30 * 60, *(hours * 3600 for hours in (1, 2, 4, 8, 8))]
        for pause, seconds in zip(gone_by, pauses, strict=True):
            assert seconds * 0.9 <= pause.total_seconds() <= seconds * 1.1
        work(now + timedelta(days=3))
        assert len(receiver.requests) == 11
        assert tries()[-1] == (11, "failed", 500, None)
        assert not PendingDelivery.objects.exists()
        assert {request.headers["webhook-id"] for request in receiver.requests} == {Event.objects.get().id}

    @pytest.mark.parametrize(
        ("header", "least", "most"),
        [
            ("120", 120, 120),
            ("0", 4.5, 5.5),
            ("86400", 3600, 3600),
            ("soon", 4.5, 5.5),
            ("-5", 4.5, 5.5),
            # What no clock can hold is no time, and no way out of the eleven tries.
            ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", 4.5, 5.5),
            ("Thu, 01 Jan 2026 00:00:00 +99999999999999999999", 4.5, 5.5),
        ],
    )
    def test_may_name_the_pause(self, endpoint, receiver, happen, work, header, least, most):
        receiver.behave = answer(503, {"Retry-After": header})
        happen()
        now = timezone.now()
        work(now)

        pause = (WebhookDelivery.objects.get().next_attempt_at - now).total_seconds()
        assert least <= pause <= most

    def test_may_name_the_time(self, endpoint, receiver, happen, work):
        now = timezone.now().replace(microsecond=0)
        until = now + timedelta(minutes=7)
        receiver.behave = answer(503, {"Retry-After": until.strftime("%a, %d %b %Y %H:%M:%S GMT")})
        happen()
        work(now)

        assert WebhookDelivery.objects.get().next_attempt_at == until

    def test_holds_up_no_event_after_it(self, endpoint, receiver, happen, work):
        first = answer(500)
        receiver.behave = lambda handler, received: (first if received.json["sequence"] == 1 else answer(200))(
            handler, received
        )
        happen(3)
        work()

        assert receiver.numbers == [1, 2, 3]
        assert [status for _, status, *_ in tries()] == ["retrying", "delivered", "delivered"]


class TestGone:
    def test_disables_at_once(self, endpoint, receiver, happen, work):
        receiver.behave = answer(410)
        happen(2)
        work()

        endpoint.refresh_from_db()
        assert (endpoint.status, endpoint.disabled_reason) == (EndpointStatus.DISABLED, DisabledReason.GONE)
        assert tries() == [(1, "failed", 410, None)]
        assert len(receiver.requests) == 1


class TestWhatIsBroken:
    def test_is_a_receiver_that_is_away(self, endpoint_at, happen, work):
        with receiving(Receiver()) as gone:
            url = gone.url
        endpoint_at(url)
        happen()
        work()

        assert tries() == [(1, "retrying", None, "connection_failed")]

    def test_is_an_answer_that_is_none(self, endpoint, receiver, happen, work):
        receiver.behave = lambda handler, received: handler.wfile.write(b"hello\r\n\r\n") and handler.close_connection
        happen()
        work()

        assert tries() == [(1, "retrying", None, "bad_answer")]

    def test_is_a_head_without_end(self, endpoint, receiver, happen, work):
        def behave(handler, received):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(300):
                handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

        receiver.behave = behave
        happen()
        work()

        assert tries() == [(1, "retrying", None, "answer_too_large")]

    @pytest.mark.parametrize(
        ("length", "told"), [(65_536, ("delivered", 200, None)), (65_537, ("retrying", None, "answer_too_large"))]
    )
    def test_is_a_head_beyond_64_kib(self, endpoint, receiver, happen, work, length, told):
        begin, end = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Filler: ", b"\r\n\r\n"
        head = begin + b"x" * (length - len(begin) - len(end)) + end
        receiver.behave = lambda handler, received: handler.wfile.write(head)
        happen()
        work()

        assert tries() == [(1, *told)]

    def test_is_not_a_body_that_is_too_long(self, endpoint, receiver, happen, work):
        written = []

        def behave(handler, received):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in range(1000):
                handler.wfile.write(b"x" * 100_000)
                written.append(100_000)

        receiver.behave = behave
        happen()
        work()

        assert tries() == [(1, "delivered", 200, None)]
        assert sum(written) < 100_000_000

    def test_is_no_answer_within_ten_seconds(self, endpoint, happen, work, monkeypatch):
        begun = []

        def noted(ends_at):
            begun.append(ends_at - time.monotonic())
            return Budget(ends_at)

        monkeypatch.setattr("sequence.webhooks.sending.Budget", noted)
        happen()
        work()

        assert begun == [pytest.approx(10, abs=0.5)]

    @pytest.mark.parametrize("drip", [False, True])
    def test_is_an_answer_that_takes_too_long_however_it_drips(
        self, endpoint, receiver, happen, work, monkeypatch, drip
    ):
        monkeypatch.setattr("sequence.webhooks.sending.LIMIT_SECONDS", 0.3)
        is_over = threading.Event()

        def behave(handler, received):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not is_over.wait(0.1):
                if drip:
                    handler.wfile.write(b"x")

        receiver.behave = behave
        happen()
        began = time.monotonic()
        work()
        took = time.monotonic() - began
        is_over.set()

        assert took < GIVE_UP_SECONDS  # By then the dispatcher gives up on a request that knows no limit.
        assert tries() == [(1, "retrying", None, "timeout")]
