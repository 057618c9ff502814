"""The local stack without containers: Kafka broker and schema registry on one Java runtime."""
