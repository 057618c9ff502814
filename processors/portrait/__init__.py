"""Outcomes as HTML for notebooks: labels as bars, stretches on a time line, a player."""
