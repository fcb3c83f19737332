"""How the apps above have a say about accounts without accounts knowing them."""

from django.dispatch import Signal

# Sent with ``account``, locked, inside the transaction that deletes it. A receiver that still needs the account raises
# AccountNotEmpty or AccountInUse, and the account stays.
account_deleting = Signal()
