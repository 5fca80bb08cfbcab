"""New weights for a whole model."""
