"""Answering a range of content events again, and comparing the answers with the live ones."""
