"""The single checks of `skampo.testing`: each takes a fresh policy."""

import copy
import pickle
import tempfile
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from skampo.critics import Critic
from skampo.exceptions import EnvironmentDataError, SkampoFileError
from skampo.mdp import make_random_mdp
from skampo.persistence import save
from skampo.persistence._files import load
from skampo.testing._corridor import Corridor, corridors

_METHODS = ("predict_proba", "predict", "decision_function", "action_values")
_UNFITTED = (*_METHODS, "predict_log_proba", "sample", "act", "encode_observations")
_SMALL = {"max_iter": 2, "steps_per_iter": 16, "n_envs": 2, "random_state": 0}
# The last state is far from all that a corridor of four steps shows.
_STATES = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 2.0], [9.0, -9.0]])
_MODEL = make_random_mdp(n_states=4, n_actions=2, random_state=0)

_ANYWHERE: list = []
_IN_ENVIRONMENTS: list = []
# Weak keys: a fit is kept as long as the policy of the checks that share it.
_FITTED: WeakKeyDictionary = WeakKeyDictionary()


def anywhere(check):
    """Mark a check of all policies."""
    _ANYWHERE.append(check)
    return check


def in_environments(check):
    """Mark a check of policies that learn from transitions."""
    _IN_ENVIRONMENTS.append(check)
    return check


def checks_of(policy):
    """The checks that apply to a policy."""
    return _ANYWHERE if _needs_model(policy) else _ANYWHERE + _IN_ENVIRONMENTS


def _needs_model(policy):
    critic = getattr(policy, "critic", None)
    chosen = Critic.by_name.get(critic) if isinstance(critic, str) else critic
    return getattr(chosen, "needs_model", False)


def _small(policy, **parameters):
    """An unfitted copy with a budget of some steps."""
    # A policy of somebody else need not have all of these parameters.
    known = policy.get_params(deep=False)
    wanted = {k: v for k, v in (_SMALL | parameters).items() if k in known}
    return clone(policy).set_params(**wanted)


def _problem(policy):
    """What a policy is fitted to, and states to ask it about."""
    return (_MODEL, _MODEL.states) if _needs_model(policy) else (Corridor, _STATES)


def _fitted(policy):
    """A fitted copy; the fit is done once for all checks that only look at it."""
    data, states = _problem(policy)
    if policy not in _FITTED:
        _FITTED[policy] = _small(policy).fit(data)
    # A copy, for some checks fit it again.
    return copy.copy(_FITTED[policy]), data, states


def _assert_same(first, second, states):
    for method in _METHODS:
        given, expected = (getattr(p, method)(states) for p in (first, second))
        assert_array_equal(given, expected, err_msg=method)


def _play(policy, env, seed):
    """The return of one episode."""
    observation, _ = env.reset(seed=seed)
    total, is_over = 0.0, False
    while not is_over:
        observation, reward, *flags, _ = env.step(policy.act(observation))
        total, is_over = total + reward, any(flags)
    return total


def _assert_raises(kinds, words, function, *arguments):
    # Not pytest.raises: `check_policy` works without pytest.
    message = None
    try:
        function(*arguments)
    except kinds as error:
        message = str(error)
    assert message is not None, f"{function.__name__} accepted {arguments}"
    missing = [word for word in words if word not in message]
    assert not missing, f"the message does not name {missing}: {message}"


@anywhere
def check_clone_is_unfitted(policy):
    """A clone has the parameters and nothing that was learned."""
    fitted, _, states = _fitted(policy)
    copied = clone(fitted)
    assert repr(copied) == repr(fitted)
    assert set(vars(copied)) == set(copied.get_params(deep=False))
    for method in _UNFITTED:
        _assert_raises(NotFittedError, ["fit"], getattr(copied, method), states)


@anywhere
def check_fit_returns_self_and_keeps_parameters(policy):
    """What was passed to `__init__` is not fitted in place."""
    policy = _small(policy)
    before = {k: id(v) for k, v in policy.get_params(deep=False).items()}
    shown = repr(policy)
    assert policy.fit(_problem(policy)[0]) is policy
    assert repr(policy) == shown
    assert {k: id(v) for k, v in policy.get_params(deep=False).items()} == before
    if getattr(policy, "regressor", None) is not None:
        _assert_raises(NotFittedError, [], check_is_fitted, policy.regressor)


@anywhere
def check_same_seed_gives_the_same_bits(policy):
    """Two fits are equal, whatever ``n_jobs`` and the fits before them."""
    first, data, states = _fitted(policy)
    second = _small(policy, n_jobs=2).fit(data)
    _assert_same(second, first, states)
    second.fit(data)
    _assert_same(second, first, states)


@anywhere
def check_probabilities(policy):
    """Rows sum to one, columns are `classes_`, and `predict` is the greedy one."""
    policy, _, states = _fitted(policy)
    proba = policy.predict_proba(states)
    assert proba.shape == (len(states), len(policy.classes_))
    assert proba.dtype == np.float64
    assert proba.min() >= 0
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert_array_equal(policy.predict(states), policy.classes_[proba.argmax(axis=1)])
    with np.errstate(divide="ignore"):
        assert_array_equal(policy.predict_log_proba(states), np.log(proba))
    drawn = policy.sample(states, random_state=0)
    assert_array_equal(policy.sample(states, random_state=0), drawn)
    assert np.isin(drawn, policy.classes_).all()


@anywhere
def check_masks(policy):
    """Forbidden actions have probability zero and are never chosen."""
    policy, _, states = _fitted(policy)
    for action, label in enumerate(policy.classes_):
        mask = np.arange(len(policy.classes_)) == action
        proba = policy.predict_proba(states, action_mask=mask)
        assert_array_equal(proba, np.tile(mask.astype(float), (len(states), 1)))
        for choose in (policy.predict, policy.sample):
            assert_array_equal(choose(states, action_mask=mask), label)
        assert policy.act(states[0], action_mask=mask) == label
    nothing = np.zeros(len(policy.classes_))
    _assert_raises(
        ValueError, ["action_mask"], lambda: policy.predict(states, action_mask=nothing)
    )


@anywhere
def check_states_that_are_refused(policy):
    """Wrong widths, missing values and single rows are refused in words."""
    policy, _, states = _fitted(policy)
    wide = np.hstack([states, states])
    for method in _METHODS:
        ask = getattr(policy, method)
        _assert_raises(ValueError, [str(wide.shape[1]), "features"], ask, wide)
        _assert_raises(ValueError, ["NaN"], ask, np.full_like(states, np.nan))
        _assert_raises(ValueError, ["2D array"], ask, states[0])


@anywhere
def check_history(policy):
    """One record for each iteration, in order."""
    policy, _, _ = _fitted(policy)
    assert policy.n_iter_ == len(policy.history_) == policy.max_iter
    assert [r["iteration"] for r in policy.history_] == [1, 2]
    assert all(r.keys() == policy.history_[0].keys() for r in policy.history_)


@anywhere
def check_warm_start_goes_on(policy):
    """Another fit adds its iterations to those before."""
    data, _ = _problem(policy)
    policy = _small(policy, warm_start=True).fit(data)
    first = policy.history_
    policy.fit(data)
    assert policy.n_iter_ == len(policy.history_) == 2 * len(first)
    np.testing.assert_equal(policy.history_[: len(first)], first)


@anywhere
def check_pickle(policy):
    """A pickled copy predicts the same bits."""
    policy, _, states = _fitted(policy)
    _assert_same(pickle.loads(pickle.dumps(policy)), policy, states)


@anywhere
def check_file(policy):
    """A saved copy predicts the same bits, unless files hold no such policy."""
    policy, _, states = _fitted(policy)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.skampo"
        try:
            save(policy, path)
        except SkampoFileError:
            # Types of one's own have no stored form, and are refused with a sentence.
            return
        loaded = load(path)
    _assert_same(loaded, policy, states)


@anywhere
def check_score(policy):
    """A finite number, the same every time."""
    policy, data, _ = _fitted(policy)
    score = policy.score(data, n_episodes=2)
    assert isinstance(score, float)
    assert np.isfinite(score)
    assert policy.score(data, n_episodes=2) == score


@in_environments
def check_score_is_the_return_of_act(policy):
    """`score` plays what `act` does: every episode begins at one of two places."""
    policy, _, _ = _fitted(policy)
    returns = [_play(policy, Corridor(), seed) for seed in range(8)]
    assert min(returns) <= policy.score(Corridor, n_episodes=8) <= max(returns)


@in_environments
def check_environments_stay_as_they_are(policy):
    """The environment that is passed in is copied."""
    env = Corridor()
    env.reset(seed=3)
    state = env.np_random.bit_generator.state
    policy = _small(policy).fit(env)
    policy.score(env, n_episodes=1)
    assert (env.n_steps, env.n_closed, env.t) == (0, 0, 0)
    assert env.np_random.bit_generator.state == state


@in_environments
def check_forms_of_environments(policy):
    """Functions, lists, vector environments and ids are all environments."""
    for data in ([Corridor, Corridor()], corridors(2), "CartPole-v1"):
        fitted = _small(policy, max_iter=1).fit(data)
        assert fitted.n_features_in_ == (4 if isinstance(data, str) else 2)
        assert_array_equal(fitted.classes_, [0, 1])


@in_environments
def check_labels_of_actions(policy):
    """The environment gets its own labels, not column numbers."""
    make = lambda: Corridor(n_actions=3, start=-1)
    policy = _small(policy).fit(make)
    assert_array_equal(policy.classes_, [-1, 0, 1])
    best = policy.predict(_STATES)
    assert np.isin(best, policy.classes_).all()
    assert [policy.act(state) for state in _STATES] == best.tolist()
    assert np.isfinite(policy.score(make, n_episodes=1))


@in_environments
def check_dict_and_discrete_observations(policy):
    """`act` and `encode_observations` take what the environment gives."""
    for shows, n_features in (("dict", 3), ("discrete", 1)):
        env = Corridor(shows=shows)
        fitted = _small(policy, max_iter=1).fit(env)
        assert fitted.n_features_in_ == n_features
        observations = [env.reset(seed=seed)[0] for seed in range(5)]
        X = fitted.encode_observations(observations)
        assert X.shape == (5, n_features)
        for observation, action in zip(observations, fitted.predict(X), strict=True):
            assert fitted.act(observation) == action


@in_environments
def check_spaces_that_are_refused(policy):
    """Spaces that no policy can have are refused by name."""
    boxes, sequences = Corridor(acts="box"), Corridor(shows="sequence")
    _assert_raises(ValueError, ["Box", "finite action"], _small(policy).fit, boxes)
    _assert_raises(ValueError, ["Sequence"], _small(policy).fit, sequences)


@in_environments
def check_rewards_that_are_not_finite(policy):
    """NaN and infinity end `fit` with a message, and leave the last policy."""
    policy, _, _ = _fitted(policy)
    before = policy.predict_proba(_STATES)
    for reward in (np.nan, np.inf):
        broken = lambda reward=reward: Corridor(reward=reward)
        _assert_raises(EnvironmentDataError, ["reward", "step"], policy.fit, broken)
    assert_array_equal(policy.predict_proba(_STATES), before)


@in_environments
def check_truncated_is_not_terminated(policy):
    """Values go on behind a time limit, and end where an episode ends by itself."""
    ended, cut = (
        _small(policy, gamma=0.9)
        .fit(partial(Corridor, 2, n_actions=1, shows="discrete", truncates=truncates))
        .action_values([[0.0], [1.0], [2.0]])
        for truncates in (False, True)
    )
    # Every step pays 1: there are two of them, or endlessly many.
    assert ended.mean() < 2
    assert cut.mean() > 1.5 * ended.mean()


@in_environments
def check_names_of_features(policy):
    """A `Dict` space gives names; another space takes them away again."""
    policy = _small(policy, max_iter=1).fit(Corridor(shows="dict"))
    # Gymnasium flattens a `Dict` in the order of its keys, and `Discrete` to one-hot.
    assert list(policy.feature_names_in_) == ["late_0", "late_1", "place"]
    assert not hasattr(policy.fit(Corridor), "feature_names_in_")
