"""Commands' kit: the base that audits them, and the types of their arguments."""
