"""Money map: an organization's accounts, its rules, and what flowed between them in a period."""
