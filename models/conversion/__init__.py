"""Conversions, one module each; `earmark.models.convert` is the door to them."""
