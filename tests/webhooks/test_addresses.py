"""Addresses: sixty hostile ones, each refused for its own reason, when an endpoint is made and at every try."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from sequence.core.errors import InvalidRequest
from sequence.webhooks import addresses, sending
from sequence.webhooks.addresses import check_url, flaw_of_address, read_url
from sequence.webhooks.models import WebhookDelivery
from tests.webhooks.conftest import Receiver, answer, receiving

# What each url is refused for, when an endpoint is made, in the words that a person reads.
HOSTILE = {
    # What is no address of the internet, in each of its kinds.
    "https://127.0.0.1/": "loopback",
    "https://127.255.255.254/": "loopback",
    "https://[::1]/": "loopback",
    "https://10.0.0.1/": "private",
    "https://172.16.0.1/": "private",
    "https://172.31.255.255/": "private",
    "https://192.168.1.1/": "private",
    "https://[fc00::1]/": "private",
    "https://[fd12:3456::1]/": "private",
    "https://169.254.1.1/": "link-local",
    "https://[fe80::1]/": "link-local",
    "https://[fec0::1]/": "site-local",
    "https://100.64.0.1/": "CGNAT",
    "https://100.127.255.255/": "CGNAT",
    "https://224.0.0.1/": "multicast",
    "https://239.255.255.255/": "multicast",
    "https://[ff02::1]/": "multicast",
    "https://255.255.255.255/": "broadcast",
    "https://240.0.0.1/": "reserved",
    "https://0.0.0.0/": "unspecified",
    "https://0.1.2.3/": "reserved",
    "https://[::]/": "unspecified",
    "https://192.0.2.1/": "documentation",
    "https://198.51.100.1/": "documentation",
    "https://203.0.113.1/": "documentation",
    "https://[2001:db8::1]/": "documentation",
    "https://[3fff::1]/": "documentation",
    "https://198.18.0.1/": "benchmarks",
    "https://192.0.0.1/": "reserved",
    "https://192.88.99.1/": "6to4",
    "https://[100::1]/": "discarding",
    "https://[5f00::1]/": "reserved",
    "https://[4000::1]/": "reserved",
    # Where clouds keep their machines' credentials.
    "https://169.254.169.254/latest/meta-data/": "metadata",
    "https://[fd00:ec2::254]/": "metadata",
    "https://100.100.100.200/": "metadata",
    "https://168.63.129.16/": "metadata",
    "https://169.254.170.2/": "metadata",
    # IPv4 in the clothes of IPv6.
    "https://[::ffff:127.0.0.1]/": "mapped",
    "https://[::ffff:8.8.8.8]/": "mapped",
    "https://[::ffff:7f00:1]/": "mapped",
    "https://[::127.0.0.1]/": "compatible",
    "https://[64:ff9b::7f00:1]/": "NAT64",
    "https://[64:ff9b:1::a00:1]/": "NAT64",
    "https://[2002:7f00:1::]/": "6to4",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/": "Teredo",
    # Numbers that one resolver reads so and another so.
    "https://2130706433/": "several ways",
    "https://0x7f000001/": "several ways",
    "https://0177.0.0.1/": "several ways",
    "https://0x7f.0.0.1/": "several ways",
    "https://127.1/": "several ways",
    "https://127.0.0.01/": "several ways",
    "https://127.0.0.1./": "several ways",
    "https://017700000001/": "several ways",
    # Names of this machine and of the network that it is in.
    "https://localhost/": "only this machine",
    "https://hook.localhost./": "only this machine",
    "https://metadata.google.internal/": "only this machine",
    "https://printer.local/": "only this machine",
    # Urls that read otherwise than they look.
    "https://user:password@example.com/": "user and password",
    "https://example.com@127.0.0.1/": "user and password",
    "https://example.com\\@127.0.0.1/": "visible ASCII",
    "https://example.com/#secret": "after #",
    "https://１２７.0.0.1/": "visible ASCII",
    "https://ⓛocalhost/": "visible ASCII",
    "https://127。0。0。1/": "visible ASCII",
    "https://[fe80::1%25eth0]/": "no host",
    "https://%31%32%37.0.0.1/": "several ways",
    "https://exa mple.com/": "visible ASCII",
    "https://example.com\r\nX-Injected: 1/": "visible ASCII",
    "https:///hook": "no host",
    "https://example.com:0/": "Ports",
    "https://example.com:99999/": "Ports",
    "http://example.com/": "https://",
    "ftp://example.com/": "https://",
    "file:///etc/passwd": "https://",
    "gopher://127.0.0.1/": "https://",
    "//example.com/": "https://",
    "https://example.com/" + "x" * 2000: "2000 characters",
}
FINE = [
    "https://example.com",
    "https://example.com/hook?a=b",
    "https://example.com:8443/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]/",
    "https://xn--bcher-kva.example/",
    "https://1.example.com/",
]


@pytest.fixture(autouse=True)
def _nothing_is_open(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []


@pytest.fixture
def resolves_to(monkeypatch):
    """Return a function that lets each look-up of a name find the next of some addresses."""

    def to(*answers):
        left, look_up = list(answers), socket.getaddrinfo

        def getaddrinfo(host, port, *how, **named):
            if host[0].isdigit():  # A connection, not a look-up.
                return look_up(host, port, *how, **named)
            found = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)

    return to


class TestAUrl:
    @pytest.mark.parametrize("url", HOSTILE)
    def test_that_is_hostile_is_refused_for_its_own_reason(self, url):
        with pytest.raises(InvalidRequest) as refusal:
            check_url(url, None)
        assert HOSTILE[url] in refusal.value.text
        assert [detail["field"] for detail in refusal.value.details] == ["url"]

    @pytest.mark.parametrize("url", FINE)
    def test_that_is_fine_is_taken(self, url):
        check_url(url, None)

    def test_whose_name_stands_for_one_bad_address_among_good_ones_is_refused(self):
        with pytest.raises(InvalidRequest, match="private"):
            check_url("https://example.com/", [ip_address("8.8.8.8"), ip_address("10.0.0.1")])

    def test_in_an_open_network_may_be_in_clear(self, settings):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("10.1.0.0/16")]
        check_url("http://10.1.2.3:8000/", None)
        check_url("http://hook.internal/", [ip_address("10.1.2.3")])
        for url in ("http://10.2.0.1/", "http://8.8.8.8/", "https://[::ffff:10.1.2.3]/"):
            with pytest.raises(InvalidRequest):
                check_url(url, None)

    def test_says_what_stands_in_the_header_host(self):
        assert read_url("https://Example.com/a?b").authority == "example.com"
        assert read_url("https://[2606:4700::1111]:444/").authority == "[2606:4700::1111]:444"

    def test_of_every_address_that_python_calls_private_is_refused(self):
        """Our tables against somebody else's: whatever is not global there is nothing to us either."""
        for text in (f"{first}.{second}.3.4" for first in range(256) for second in range(0, 256, 5)):
            address = ip_address(text)
            assert flaw_of_address(address) or address.is_global, text


@pytest.mark.django_db
class TestATry:
    @pytest.fixture
    def trap(self):
        """A server that nothing may reach."""
        with receiving(Receiver()) as one:
            yield one

    def told(self):
        return list(WebhookDelivery.objects.order_by("id").values_list("status_code", "error"))

    def endpoint(self, endpoint_at, settings, url):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
        endpoint_at(url, addresses=[ip_address("127.0.0.1")])
        settings.WEBHOOK_ALLOWED_NETWORKS = []

    def test_goes_nowhere_when_its_name_has_come_to_stand_for_this_machine(
        self, endpoint_at, settings, trap, resolves_to, happen, work
    ):
        self.endpoint(endpoint_at, settings, f"https://example.com:{trap.port}/")
        resolves_to(["8.8.8.8", "127.0.0.1"])
        happen()
        work()

        assert self.told() == [(None, "address_not_allowed")]
        assert trap.connections == 0

    def test_connects_to_the_address_that_was_checked_and_looks_up_no_second_time(
        self, endpoint_at, settings, trap, resolves_to, happen, work
    ):
        """Rebinding: the first answer is let through, all later ones lead elsewhere."""
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
        endpoint_at(f"http://rebinding.example:{trap.port}/x?y=z", addresses=[ip_address("127.0.0.1")])
        resolves_to(["127.0.0.1"], ["127.0.0.2"])
        happen()
        work()

        assert self.told() == [(204, None)]
        [request] = trap.requests
        assert (request.headers["host"], request.path) == (f"rebinding.example:{trap.port}", "/x?y=z")

    def test_does_not_go_over_an_open_connection_to_an_address_that_is_no_longer_its_names(
        self, endpoint_at, settings, trap, resolves_to, happen, work
    ):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
        endpoint_at(f"http://rebinding.example:{trap.port}/", addresses=[ip_address("127.0.0.1")])
        resolves_to(["127.0.0.1"], ["10.0.0.1"])
        happen(2)
        work()

        assert self.told() == [(204, None), (None, "address_not_allowed")]
        assert len(trap.requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, endpoint_at, settings, trap, happen, work, status):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
        with receiving(Receiver(behave=answer(status, {"Location": trap.url}))) as leading:
            endpoint_at(leading.url)
            happen()
            work()

        assert self.told() == [(status, None)]
        assert trap.connections == 0

    def test_asks_no_proxy_of_the_environment(self, endpoint_at, settings, trap, happen, work, monkeypatch):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, trap.url)
        with receiving(Receiver()) as right:
            endpoint_at(right.url)
            happen()
            work()
            assert len(right.requests) == 1

        assert trap.connections == 0

    def test_tells_of_a_name_that_stands_for_nothing(self, endpoint_at, happen, work, monkeypatch):
        def getaddrinfo(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
        endpoint_at("https://nowhere.example/")
        happen()
        work()

        assert self.told() == [(None, "name_not_resolved")]

    def test_speaks_to_no_server_without_the_names_certificate(
        self, endpoint_at, settings, trap, resolves_to, happen, work
    ):
        settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
        endpoint_at(f"https://secure.example:{trap.port}/", addresses=[ip_address("127.0.0.1")])
        resolves_to(["127.0.0.1"])
        happen()
        work()

        assert self.told() == [(None, "tls_failed")]
        assert trap.requests == []
        assert sending._certificates().check_hostname
