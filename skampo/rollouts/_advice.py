"""What to do about things that look like environments or observations."""

import inspect

from gymnasium import spaces


def advise(X):
    """
    What something is that was meant as an environment, and what to pass instead.

    None of anything that does not look like an environment.
    """
    if X is None:
        return "Got None: neither environments nor states."
    if isinstance(X, list | tuple):
        return _advise_on_list(X)
    if hasattr(X, "reset") and (hasattr(X, "step") or hasattr(X, "step_async")):
        return _advise_on_foreign(X)
    if callable(X):
        return _advise_on_function(X)
    return None


def _advise_on_list(X):
    if not len(X):
        return f"Got an empty {type(X).__name__}: it takes at least one environment."
    first = X[0]
    # Rows of states are lists too.
    if first is None or isinstance(first, list | tuple):
        return None
    advice = advise(first)
    return advice and f"In a {type(X).__name__}: {advice}"


def _advise_on_foreign(X):
    """What can be reset and stepped, but is not gymnasium's."""
    name = X.__name__ if isinstance(X, type) else type(X).__name__
    if hasattr(X, "step_async") or hasattr(X, "num_envs"):
        return (
            f"Got {name}, a vector of environments that is no "
            "gymnasium.vector.VectorEnv, as those of stable-baselines3. Pass a "
            "function that makes one of its environments, or a list of them; "
            "'n_envs' says how many are run."
        )
    return (
        f"Got {name}, which has reset and step but is no gymnasium.Env. Derive it "
        "from gymnasium.Env: reset(seed=...) returns (observation, info), step five "
        "values. Those of the old gym package are converted by "
        'gymnasium.make("GymV21Environment-v0", env=env) and shimmy.'
    )


def _advise_on_function(X):
    name = getattr(X, "__name__", type(X).__name__)
    needed = _required_parameters(X)
    if not needed:
        return None
    return (
        f"Got the function {name}, which needs {needed}; environments are made "
        f"without arguments. Pass lambda: {name}(...), or a functools.partial."
    )


def _required_parameters(function):
    """Names of the parameters without a default, for a message."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind not in variadic]
    return ", ".join(repr(p.name) for p in needed)


def refuse_observations(X, encoder, error):
    """Refuse observations as an environment gave them, where rows are expected."""
    # For a box, scikit-learn's message about the shape says what to do.
    if encoder is None or type(encoder.space) is spaces.Box:
        return
    single = _encodes(encoder.encode, X)
    if single or _encodes(encoder.encode_batch, X):
        what = "an observation" if single else "observations"
        call = "[observation]" if single else "observations"
        raise ValueError(
            f"Got {what} as the environment gives them, while an array of shape "
            f"(n, {encoder.n_features}) was expected. Encode first: "
            f"policy.predict(policy.encode_observations({call})); act takes single "
            "observations as they are."
        ) from error


def _encodes(encode, X):
    # Whatever goes wrong, X is no observation.
    try:
        encode(X)
    except Exception:
        return False
    return True
