"""How a text is written, whatever it says: measures of its form, each between 0 and 1."""
