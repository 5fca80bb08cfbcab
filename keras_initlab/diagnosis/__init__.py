"""What will go wrong, and what to write instead."""
