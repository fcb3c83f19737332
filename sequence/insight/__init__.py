"""Insight over all apps, read by none of them: the money map, balances, movements, statements, following the money."""
