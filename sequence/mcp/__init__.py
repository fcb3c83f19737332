"""Model Context Protocol: the dialect's operations as tools for assistants. One POST, one answer, no session."""
