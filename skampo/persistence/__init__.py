"""Files of fitted policies that run no code when they are read."""

from skampo.persistence._files import load, save

__all__ = ["load", "save"]
