"""Flink SQL over the signals: profiles of items, kept up while it streams and rebuilt from history.

`sql` modules make text and know no Flink; `job` is what runs, `driver` hands it to Flink in a
process of its own, `host` keeps that process alive.
"""
