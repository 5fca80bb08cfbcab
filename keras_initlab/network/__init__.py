"""A built model as slots."""
