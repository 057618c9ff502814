"""Replays: a bounded range of content events answered again, beside the live signals."""
