"""Files of fitted policies that hold data alone."""

from skampo.persistence._files import check_saveable, save

__all__ = ["check_saveable", "save"]
