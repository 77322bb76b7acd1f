"""A run as tables, for other tools: Parquet, Arrow and CSV."""
