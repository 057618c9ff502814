"""The fixtures of the kit, as a subscriber's own tests have them."""

from earmark.streams.testing.fixture import earmark_bus, earmark_clock, earmark_records

__all__ = ["earmark_bus", "earmark_clock", "earmark_records"]
