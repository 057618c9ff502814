"""Signals over HTTP, for those who have no Kafka: events as they come, and an item's latest."""
