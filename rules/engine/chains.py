"""Chains of rules that set each other off, and where they end."""

# How many rules may set each other off in a row: enough for any sensible chain, few enough to stop a ring quickly.
MAX_HOPS = 10
# How many runs one arrival may cause in all: rules that make several transfers each double their number at every hop.
MAX_CHAIN_RUNS = 100


def reason_to_end(hops: int, number: int) -> str | None:
    """Return why a run is not carried out that is the so manieth in a row, and of its chain; None where it is."""
    if hops > MAX_HOPS:
        return f"{MAX_HOPS} rules in a row have set each other off."
    if number > MAX_CHAIN_RUNS:
        return f"{MAX_CHAIN_RUNS} runs have come of one arrival. No more follow."
    return None
