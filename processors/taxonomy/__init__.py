"""Vocabularies as data: our harms, what other people's schemes call them, and topics."""
