"""Human review: which questions are asked of people, what they decided, how well they agree."""
