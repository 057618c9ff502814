"""What the agents do: keep what is known of each item, judge it, and say what changed."""
