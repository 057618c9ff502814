"""The inspector: a page over the live topics and the content, and the same data as JSON."""
