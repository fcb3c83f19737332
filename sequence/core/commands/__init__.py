"""What management commands share: the base that audits them, and the types of their arguments."""
