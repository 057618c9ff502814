"""Everything that moves: Kafka worker, fetcher, publisher, registry, local stack, command line."""
