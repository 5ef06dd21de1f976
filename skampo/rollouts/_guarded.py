"""Environments that may raise, hang or die."""

import pickle
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector.utils import CloudpickleWrapper

from skampo.rollouts import _child
from skampo.rollouts._env_task import portable_environments
from skampo.rollouts._factories import (
    EnvFactory,
    copy_live,
    failed_to_make,
    label_of,
    maker_of,
    resolve_factories,
)
from skampo.utils._validation import Interval, Nothing, check_argument

# A Python that imports a simulator starts more slowly than any step is.
_START_SECONDS = 60.0
# To put away what it holds; then it is stopped.
_CLOSE_SECONDS = 1.0
_READ_SECONDS = 0.1


@dataclass(frozen=True)
class Guarded:
    """
    An environment that may raise, hang or die; calling it makes a new one.

    Whatever takes an environment takes this as well. Episodes in which something goes
    wrong are given up: the step that failed is left out, and the row before it is where
    the episode was cut. The environment is closed and made anew.

    Parameters
    ----------
    env : gymnasium.Env, str, EnvSpec or callable
        The environment: one, and no vector of several.
    timeout : float, default=None
        Seconds that a reset or a step may take. Each environment then runs in a process
        of its own, which is stopped where it takes longer, so that nothing that it does
        can stop the fit. They step at the same time. None steps it in this process,
        where an environment that hangs is waited for, and one that dies takes the
        process along.
    max_faults : int, default=10
        Episodes that may be given up one after the other; the fault after these is
        raised. 0 raises the first one.

    Raises
    ------
    ValueError
        If `env` is no environment, cannot be made, or is several; if `timeout` or
        `max_faults` is not accepted.

    See Also
    --------
    skampo.model_selection.make_tasks : Takes it for searches.

    Notes
    -----
    With a `timeout` the environment is sent to the other process by cloudpickle, and of
    infos only ``"action_mask"`` comes back. A step then takes a few tenths of a
    millisecond longer, and the start half a second; it may take a minute, whatever the
    `timeout`. An environment in which nothing goes wrong gives the same bits as without
    `Guarded`.

    ``history_`` counts the episodes given up while learning as ``n_faults``. Episodes
    of validation and scores are played again with another seed, so that a policy that
    breaks its simulator is scored by the episodes in which it did not.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.rollouts import Guarded
    >>> env = Guarded("CartPole-v1", max_faults=3)
    >>> env
    Guarded('CartPole-v1', timeout=None, max_faults=3)
    >>> policy = AMPOPolicy(max_iter=1, random_state=0).fit(env)
    >>> policy.history_[0]["n_faults"]
    0
    """

    # Specs, for example, cannot be hashed.
    env: Any = field(hash=False)
    timeout: float | None = None
    max_faults: int = 10

    def __post_init__(self):
        """Keep what other processes can make as well."""
        name = type(self).__name__
        seconds = Interval(float, 1e-3, 1e6) | Nothing
        check_argument(name, "timeout", self.timeout, seconds)
        check_argument(name, "max_faults", self.max_faults, Interval(int, 0))
        environments = portable_environments(self.env)
        if len(environments) != 1:
            raise ValueError(
                f"{name} takes one environment. Got {len(environments)}: give a list "
                f"of {name}."
            )
        object.__setattr__(self, "env", environments[0])

    def __call__(self):
        return self.as_factory().make()

    def __repr__(self):
        limits = f"timeout={self.timeout}, max_faults={self.max_faults}"
        return f"{type(self).__name__}({self.__name__!r}, {limits})"

    @property
    def __name__(self):
        # Messages name it as they name a function.
        return resolve_factories(self.env)[0].label

    def as_factory(self) -> EnvFactory:
        """
        Return how the environment is made, and how many faults are borne.

        Returns
        -------
        EnvFactory
            What a rollout makes its environments from.
        """
        factory = replace(resolve_factories(self.env)[0], max_faults=self.max_faults)
        if self.timeout is None:
            return factory
        start = partial(_start, factory.label, _recipe(self.env), self.timeout)
        return replace(factory, make=start)


class ChildEnv(gymnasium.Env):
    """
    An environment in a process of its own, which is stopped if it takes too long.

    The process is a program that imports no more than the environment needs. Those of
    `multiprocessing` would run the script of the user again, or copy threads that hold
    locks. `recipe` is the pickle of the environment or of what makes it, and `timeout`
    the seconds that each answer may take.
    """

    #: Whether the innermost environment is here, to be reset by itself.
    shows_inside = False

    def __init__(self, recipe, timeout):
        self._timeout, self._is_stepping = timeout, False
        command = [sys.executable, "-P", _child.__file__]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, **pipes)
        self._answers = SimpleQueue()
        streams = self._process.stdout, self._answers
        Thread(target=_listen, args=streams, daemon=True).start()
        try:
            self._tell(sys.path)
            self._tell(("make", recipe))
            made = self._hear(max(timeout, _START_SECONDS))
        except BaseException:
            self._stop()
            raise
        vars(self).update(pickle.loads(made).fn)
        if self.has_masks:
            self.action_masks = partial(self._ask, "action_masks")

    def reset(self, *, seed=None, options=None):
        """Begin an episode."""
        return self._ask("reset", seed)

    def announce_step(self, action):
        """Let it take a step, whose result `step` returns, while others take theirs."""
        self._is_stepping = True
        # Of environments that hang at the same time all are stopped after this time.
        self._deadline = time.monotonic() + self._timeout
        self._tell(("step", action))

    def step(self, action):
        """Take a step, or wait for the one that was announced."""
        if not self._is_stepping:
            self.announce_step(action)
        self._is_stepping = False
        # What it answered in time may not be read yet.
        return self._hear(max(self._deadline - time.monotonic(), _READ_SECONDS))

    def close(self):
        """Close the environment and end its process."""
        if self._process.poll() is None:
            # It is stopped anyway, whatever it has to say.
            with suppress(Exception, SystemExit):
                if self._is_stepping:
                    self._hear(_CLOSE_SECONDS)
                self._tell(("close",))
                self._hear(_CLOSE_SECONDS)
        self._stop()

    def _ask(self, name, *arguments):
        self._tell((name, *arguments))
        return self._hear(self._timeout)

    def _tell(self, what):
        # Whether it still lives is found out by who waits for the answer.
        with suppress(OSError):
            pickle.dump(what, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()

    def _hear(self, seconds):
        """The next answer; raises what it raised, or that there is none."""
        try:
            answer = self._answers.get(timeout=seconds)
        except Empty:
            self._stop()
            limit = max(self._timeout, seconds)
            message = f"no answer within {limit:g} s, so that its process was stopped"
            raise TimeoutError(message) from None
        if answer is None:
            code = self._process.wait()
            raise ChildProcessError(f"its process ended with exit code {code}")
        went_well, value = answer
        if not went_well:
            raise value
        return value

    def _stop(self):
        self._process.kill()
        self._process.wait()
        # What was not written yet can be written to nobody.
        with suppress(OSError):
            self._process.stdin.close()


def _listen(stream, answers):
    """Hand on what a process answers; None once it has ended."""
    with stream:
        while True:
            try:
                answers.put(pickle.load(stream))
            except EOFError:
                return answers.put(None)
            # Of a class, for example, that cannot be imported here.
            except Exception as error:
                return answers.put((False, error))


def _recipe(env):
    """The environment, or what makes it, for a process that imports no skampo."""
    if isinstance(env, EnvSpec):
        env = maker_of(env)
    elif isinstance(env, gymnasium.Env):
        env = copy_live(env)
    try:
        return pickle.dumps(CloudpickleWrapper(env))
    except Exception as error:
        raise ValueError(
            f"{label_of(env)} cannot be sent to another process "
            f"({type(error).__name__}: {error}). Pass its id, or a function that makes "
            "it without what is open here; with timeout=None it stays in this process."
        ) from error


def _start(label, recipe, timeout):
    try:
        return ChildEnv(recipe, timeout)
    except (Exception, SystemExit) as error:
        raise failed_to_make(label, error) from error
