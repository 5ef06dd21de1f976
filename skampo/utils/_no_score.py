"""What `score` returns where there is nothing to measure."""

from skampo.utils._warnings import warn_user


class NoScore:
    """
    No number: whatever takes it for one raises a ValueError that says why.

    An error of `score` itself would not end a search: scikit-learn replaces it by NaN,
    warns, and chooses the first candidate. What is no number ends the search.
    """

    def __init__(self, reason):
        self.reason = reason

    @classmethod
    def warn(cls, reason):
        """Say why, and return what is no number."""
        warn_user(reason)
        return cls(reason)

    def __repr__(self):
        return f"no score: {self.reason}"

    def __format__(self, spec):
        """The reason, but not with so many digits."""
        return self._refuse() if spec else repr(self)

    def _refuse(self, *_):
        raise ValueError(self.reason)

    __float__ = __int__ = __bool__ = __neg__ = __abs__ = __round__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = _refuse
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
