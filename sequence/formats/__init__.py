"""How the staff's pages write dates and times, one folder for each language as Django wants it."""
