"""What the inspector knows: one file of SQLite that follows the topics."""
