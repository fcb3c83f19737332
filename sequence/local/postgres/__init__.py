"""A Django database engine that brings its own PostgreSQL and starts it on the first connection.

``base`` is the engine, ``cluster`` the server's life, ``binaries`` where its programs come from, ``account`` who runs
it, ``sockets`` where it listens, ``processes`` and ``locking`` what keeps two starts apart, ``errors`` what can fail.
"""

# The embedded server's roles: who made it and owns its tables, and who serves, as sequence.core.database.roles has it.
SUPERUSER = "sequence"
APPLICATION = "sequence_app"
