"""What was asked and what came, as pure data."""
