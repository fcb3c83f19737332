"""Pages of the house's own tables: sign-ins, staff, the audit trail, workers."""
