"""All runs at once: one program whose weights carry a leading member axis."""
