"""Errors raised by skampo that a caller may want to tell apart."""

__all__ = [
    "EnvironmentDataError",
    "ExportError",
    "InvalidParameterError",
    "RegressorError",
    "RolloutError",
    "SkampoFileError",
]


class InvalidParameterError(ValueError, TypeError):
    """
    A parameter has a type or a value that is not accepted.

    It is a ValueError and a TypeError, so that both kinds of handler catch it.

    Examples
    --------
    >>> from skampo.exceptions import InvalidParameterError
    >>> issubclass(InvalidParameterError, (ValueError, TypeError))
    True
    """


class _EnvironmentError(Exception):
    """Where in a rollout something went wrong."""

    def __init__(
        self,
        message,
        *,
        environment=None,
        episode=None,
        step=None,
        seed=None,
        action=None,
    ):
        # An error is unpickled from the positional arguments that it was made with.
        super().__init__(message)
        self.environment = environment
        self.episode = episode
        self.step = step
        self.seed = seed
        self.action = action


class EnvironmentDataError(_EnvironmentError, ValueError):
    """
    An environment returned numbers that nothing can be learned from.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    environment : str, default=None
        Name of the environment.
    episode : int, default=None
        Episode in order of start, counted from 1.
    step : int, default=None
        Step within the episode, counted from 1; 0 stands for the reset.
    seed : int, default=None
        Seed given to the reset that began the episode.
    action : int or tuple of int, default=None
        Label of the last action sent to the environment.

    See Also
    --------
    RolloutError : The environment raised or returned something else than numbers.

    Examples
    --------
    >>> from skampo.exceptions import EnvironmentDataError
    >>> error = EnvironmentDataError("reward is nan", episode=12, step=5)
    >>> error.episode, error.step, error.seed
    (12, 5, None)
    """


class RolloutError(_EnvironmentError, RuntimeError):
    """
    An environment raised, or did not keep to the gymnasium interface.

    The exception of the environment, if there was one, is the ``__cause__``.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    environment : str, default=None
        Name of the environment.
    episode : int, default=None
        Episode in order of start, counted from 1.
    step : int, default=None
        Step within the episode, counted from 1; 0 stands for the reset.
    seed : int, default=None
        Seed given to the reset that began the episode.
    action : int or tuple of int, default=None
        Label of the last action sent to the environment.

    See Also
    --------
    EnvironmentDataError : The environment returned bad numbers.

    Examples
    --------
    >>> from skampo.exceptions import RolloutError
    >>> error = RolloutError("lost connection", environment="MyEnv-v0", seed=77)
    >>> error.environment, error.seed
    ('MyEnv-v0', 77)
    """


class ExportError(ValueError):
    """
    A policy cannot be written as a program, or the program does something else.

    See Also
    --------
    skampo.export.to_c : What can be exported.

    Examples
    --------
    >>> from skampo.exceptions import ExportError
    >>> issubclass(ExportError, ValueError)
    True
    """


class RegressorError(RuntimeError, ValueError):
    """
    A regressor raised, or predicted something that cannot be used.

    It is a ValueError as well, because regressors refuse data with one.

    Examples
    --------
    >>> from skampo.exceptions import RegressorError
    >>> issubclass(RegressorError, RuntimeError), issubclass(RegressorError, ValueError)
    (True, True)
    """


class SkampoFileError(ValueError):
    """
    A file was not loaded, or an estimator cannot be saved.

    See Also
    --------
    skampo.load : What is refused.

    Examples
    --------
    >>> from skampo.exceptions import SkampoFileError
    >>> issubclass(SkampoFileError, ValueError)
    True
    """
