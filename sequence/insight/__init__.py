"""Pictures over all apps, read by none of them: the money map, balances over time."""
