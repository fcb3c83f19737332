"""Mails to people: a transfer waits for their approval, or soon will no longer."""
