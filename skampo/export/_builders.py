"""The table of fitted parts that can be exported, by package and name of the class.

A class that is derived from one of them may do anything, and is not in the table.
"""

from skampo.exceptions import ExportError
from skampo.export._steps import Gaussian

_BUILDERS: dict = {}


def builds(*names):
    """Enter a function under the names of the classes that it knows."""

    def enter(function):
        _BUILDERS.update(dict.fromkeys(names, function))
        return function

    return enter


def step_of(part, source, *options):
    """Steps of one part behind a source; what fails says in which part it is."""
    cls = type(part)
    name = f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"
    if name not in _BUILDERS:
        raise ExportError(f"{name} has no exported form, got {part!r:.200}")
    try:
        return _BUILDERS[name](part, source, *options)
    except ExportError as error:
        raise ExportError(f"{cls.__qualname__}: {error}") from error


def require(condition, why):
    """Refuse a part with this reason unless the condition holds."""
    if not condition:
        raise ExportError(why)


def gaussian_of(part, source, points):
    """The kernel values of an estimator with a Gaussian kernel."""
    require(part.kernel == "rbf", f"kernel={part.kernel!r}: only 'rbf' is known here")
    gamma = getattr(part, "_gamma", part.gamma)
    gamma = 1.0 / source.size if gamma is None else gamma
    return Gaussian(source, points, float(gamma))
