"""Files of fitted policies that hold data alone."""

from skampo.persistence._files import save

__all__ = ["save"]
