"""A clock that tests move."""


class Clock:
    """Gives the time in seconds that a test has set as `now`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now
