"""Following money: from one movement to those that its money went into, and back to those that it came from."""
