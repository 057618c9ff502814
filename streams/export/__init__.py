"""Records of topics as Parquet files: their history, or what stood at a past moment."""
