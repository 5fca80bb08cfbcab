"""Schemes as a table and a picture."""
