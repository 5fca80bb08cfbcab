"""Knows no initializer, model or trial; one subject a file."""
