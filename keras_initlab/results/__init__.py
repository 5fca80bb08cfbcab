"""Records -> numbers, verdicts, pictures, pages."""
