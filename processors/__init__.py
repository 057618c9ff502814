"""The core: content in memory to outcomes in memory; no network, no clock, no thread."""
