"""
A program that steps one environment for another process, which may stop it.

It is run as a file and imports next to nothing, because every environment starts it.
What it is told and what it answers are pickles, one after the other, over its standard
input and output.
"""

import os
import pickle
import signal
import sys
import traceback
from queue import SimpleQueue
from threading import Thread


def has_time_limit(environment):
    """Tell whether a wrapper of an environment cuts its episodes."""
    from gymnasium import Wrapper
    from gymnasium.wrappers import TimeLimit

    while isinstance(environment, Wrapper):
        if isinstance(environment, TimeLimit):
            return True
        environment = environment.env
    return False


class _Host:
    """The environment, and what it can be told to do."""

    def make(self, recipe):
        """Make the environment; return what can be known about it from outside."""
        # It brings gymnasium along, which the environment needs as well.
        made = pickle.loads(recipe).fn
        self.environment = environment = made() if callable(made) else made
        from gymnasium.vector.utils import CloudpickleWrapper

        facts = {
            "observation_space": environment.observation_space,
            "action_space": environment.action_space,
            "spec": environment.spec,
            "class_name": type(environment.unwrapped).__name__,
            "has_time_limit": has_time_limit(environment),
            "has_masks": environment.has_wrapper_attr("action_masks"),
        }
        return pickle.dumps(CloudpickleWrapper(facts))

    def reset(self, seed):
        """Begin an episode."""
        return _without_details(self.environment.reset(seed=seed))

    def step(self, action):
        """Take a step."""
        return _without_details(self.environment.step(action))

    def action_masks(self):
        """What may be done, of an environment that has a method for it."""
        return self.environment.get_wrapper_attr("action_masks")()

    def close(self):
        """Close the environment."""
        self.environment.close()


def _without_details(result):
    """A result whose info holds only what is looked at: the rest may be anything."""
    if not isinstance(result, tuple) or not hasattr(result[-1], "keys"):
        return result
    info = result[-1]
    kept = {"action_mask": info["action_mask"]} if "action_mask" in info else {}
    return (*result[:-1], kept)


def _answer(function, *arguments):
    """The pickle of what a function returned or raised."""
    try:
        return pickle.dumps((True, function(*arguments)), pickle.HIGHEST_PROTOCOL)
    # What calls sys.exit has failed as well.
    except (Exception, SystemExit) as error:
        error.add_note(traceback.format_exc())
        return pickle.dumps((False, _portable(error)))


def _portable(error):
    """The error, or one that says the same where it cannot be sent."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def _read(commands, asked):
    """Hand on commands; end the process, hanging or not, when nobody asks any more."""
    while True:
        try:
            asked.put(pickle.load(commands))
        except EOFError:
            os._exit(0)


def _main():
    commands = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # What the environment reads or prints must not mix with them.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # Ctrl-C is for the process that asks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = pickle.load(commands)
    host, asked = _Host(), SimpleQueue()
    Thread(target=_read, args=(commands, asked), daemon=True).start()
    while True:
        name, *arguments = asked.get()
        answer = _answer(getattr(host, name), *arguments)
        # What the environment printed would be lost when the process is stopped.
        sys.stdout.flush()
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    _main()
