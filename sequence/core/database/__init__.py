"""Database guards: append-only tables, the functions of triggers, roles and their grants, rows by hand."""
