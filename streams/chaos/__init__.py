"""Proof that nothing is lost or doubled when workers and broker are killed amid work."""
