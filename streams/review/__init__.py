"""Human review on Kafka: questions out to reviewing systems, decisions back to their topic."""
