"""The secret text of a key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikeys.tokens import ALPHABET, PREFIX, digest_of, is_well_formed, new_token, shown_part

tokens = st.builds(new_token)
places = st.integers(0, 42)


class TestNewToken:
    def test_has_the_form_of_the_contract(self):
        assert re.fullmatch("sk_[0-9A-Za-z]{40}", new_token())

    def test_holds_at_least_160_random_bits(self):
        # 34 characters before the checksum, of which the first cannot take every value.
        assert 62**33 > 2**160
        assert len({new_token() for _ in range(1000)}) == 1000

    def test_uses_the_whole_alphabet_everywhere(self):
        made = [new_token() for _ in range(3000)]

        for place in range(4, 37):
            assert {token[place] for token in made} == set(ALPHABET)


class TestIsWellFormed:
    @given(tokens)
    def test_is_true_of_every_new_token(self, token):
        assert is_well_formed(token)

    @given(tokens, places, st.sampled_from(ALPHABET + "_-. é０"))
    def test_is_false_after_any_single_change(self, token, place, character):
        changed = token[:place] + character + token[place + 1 :]

        assert is_well_formed(changed) == (changed == token)

    @given(tokens, st.integers(0, 41))
    def test_is_false_after_any_swap_of_neighbours(self, token, place):
        swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]

        assert is_well_formed(swapped) == (swapped == token)

    @given(tokens, places)
    def test_is_false_with_a_character_less_or_more(self, token, place):
        assert not is_well_formed(token[:place] + token[place + 1 :])
        assert not is_well_formed(token[:place] + "0" + token[place:])

    @pytest.mark.parametrize("text", ["", "sk_", "sk_" + "0" * 39, "SK_" + "0" * 40, "é" * 43, "\x00" * 43])
    def test_is_false_of(self, text):
        assert not is_well_formed(text)


class TestDigestOf:
    def test_depends_on_the_pepper(self, settings):
        token = new_token()
        before = digest_of(token)
        settings.API_KEY_PEPPER = "another"

        assert len(before) == 32
        assert digest_of(token) != before


class TestShownPart:
    def test_leaves_more_than_160_bits_unknown(self):
        token = new_token()

        assert token.startswith(shown_part(token))
        # What is shown is six random characters of 34.
        assert 2**200 // 62 ** (len(shown_part(token)) - len(PREFIX)) > 2**160
