class Refusal(Exception):
    """A refused request: its status, a text for the caller, and `detail` for the log only."""

    def __init__(self, status, message, detail=None):
        self.status, self.message, self.detail = status, message, detail
        super().__init__(message)
