"""Line to PostgreSQL: how long either end waits for the other when nothing comes back.

Where a network is cut or a machine loses its power, no connection ends by itself: the system sends again for a quarter
of an hour, and keeps a silent connection for two hours. Until then a process of ours would answer nobody, and a server
keep the locks of a process that is gone. Who says nothing is given up for the next server that DATABASE_URL names.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS
"""

from collections.abc import Mapping

# What we do: seconds, but for tcp_user_timeout, which is in milliseconds. Where a socket of this machine leads to the
# server, nothing of it counts.
OURS = {
    # For each of its addresses.
    "connect_timeout": 5,
    # For what was sent and not acknowledged.
    "tcp_user_timeout": 15_000,
    # For an answer: a statement may take as long as it likes while the server's machine says that it is there.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# What we ask of the server, for this session alone. Between two statements of a transaction we do next to nothing, and
# wait for nobody; who does, as an export for its reader, says so.
SERVERS = {
    "idle_in_transaction_session_timeout": "30s",
    "tcp_user_timeout": "30s",
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
}


def bounded(options: Mapping[str, object], *, is_shared: bool) -> dict[str, object]:
    """Return the options of a connection with these bounds; what the options say themselves stays.

    A pooler has sessions of its own with the server, and its own settings for them: it may refuse ours.
    """
    ours: dict[str, object] = {**OURS, **options}
    if is_shared:
        return ours
    asked = [f"-c {name}={value}" for name, value in SERVERS.items()]
    return {**ours, "options": " ".join([*asked, str(options.get("options", ""))]).rstrip()}
