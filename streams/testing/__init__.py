"""What tests of a subscriber need: realistic records, a bus in memory, and a clock that obeys."""
