"""Issued numbers look like a bank's."""

import re

import pytest

from accounts.bank_numbers import check_digit, issue_bank_numbers


class TestCheckDigit:
    @pytest.mark.parametrize("routing_number", ["011000015", "021000021", "122105155", "111000025", "091000019"])
    def test_is_that_of_real_routing_numbers(self, routing_number):
        assert check_digit(routing_number[:8]) == int(routing_number[8])


class TestIssueBankNumbers:
    def test_gives_a_valid_routing_number_and_an_account_number_with_leading_zeros(self):
        for _ in range(500):
            numbers = issue_bank_numbers()

            assert re.fullmatch("(0[1-9]|1[0-2])[0-9]{7}", numbers.routing_number)
            assert check_digit(numbers.routing_number[:8]) == int(numbers.routing_number[8])
            assert re.fullmatch("[0-9]{12}", numbers.account_number)

    def test_gives_others_each_time(self):
        assert len({issue_bank_numbers().account_number for _ in range(100)}) == 100
