"""`earmark new-signal`: a package with a signal that works, for people to make theirs of."""
