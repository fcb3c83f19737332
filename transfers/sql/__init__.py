"""SQL by hand of transfers, for speed, in this one place: a test holds each statement equal to the plain way.

``sweeps`` does to a hundred transfers in one statement what ``transfers.settlement`` says row by row;
``counted_insert`` puts down what a key asks for and counts it. The proofs of ``ledger_invariants`` are SQL because they
are questions.
"""
