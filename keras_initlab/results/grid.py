"""A grid."""


class Grid:
    """A grid."""

    def __init__(self, records, config):
        self.records, self.config = list(records), config
