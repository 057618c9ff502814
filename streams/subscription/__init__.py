"""Reading what is published: where it begins, how it is handed over, and a table of the latest."""
