"""Addresses as proxies spell them."""

import pytest

from sequence.core.client_address import network_of, read_address


class TestReadAddress:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ],
    )
    def test_knows_one_spelling_of_each(self, text, address):
        assert read_address(text) == address

    @pytest.mark.parametrize("text", ["", "unknown", "192.0.2", "192.0.2.1:", "_hidden", "1.2.3.4, 5.6.7.8", "\0", "%"])
    def test_is_empty_for_what_is_none(self, text):
        assert read_address(text) == ""


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("address", "place"),
        [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("", "")],
    )
    def test_is_the_place_that_counts(self, address, place):
        assert network_of(address) == place
