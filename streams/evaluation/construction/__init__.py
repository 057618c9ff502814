"""Rows that are made here, from seeds, so that what is true of them is known."""
