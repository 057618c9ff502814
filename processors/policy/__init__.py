"""Policies: rules that people write in TOML, and what they make of an item's profile."""
