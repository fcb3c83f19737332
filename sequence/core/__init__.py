"""What every app stands on, and which knows none of them."""
