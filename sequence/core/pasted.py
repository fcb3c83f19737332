"""Secrets that somebody pasted where none belongs, such as a key in an address: readers of a log do not own them."""

import re

# A whole API key (see apikeys.tokens) or webhook's secret (see webhooks.signing), after what it is recognised by.
_SECRET = re.compile(r"(sk_[0-9A-Za-z]{6})[0-9A-Za-z]{34}|(whsec_)[0-9A-Za-z+/]{43}=?")


def without_secrets(text: str) -> str:
    """Return the text with the beginning alone of each whole secret in it."""
    if "sk_" not in text and "whsec_" not in text:
        return text
    return _SECRET.sub(r"\1\2***", text)
