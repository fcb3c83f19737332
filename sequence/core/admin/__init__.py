"""Kit of the staff's pages, and the pages of the house's own tables."""
