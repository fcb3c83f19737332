"""Audit log for those who read it: endpoints, commands, pages. Entries, chain and signatures are core's."""
