"""Gaps to the optimum on one random model, to the printed digits."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo import AMPOPolicy
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import HyperbolicEntropy, Tsallis
from skampo.step_sizes import Adaptive, Constant, TrustRegion

GAMMA = 0.9
MDP = make_random_mdp(random_state=0)
OPTIMUM = MDP.solve(GAMMA)
TABLE = make_pipeline(OneHotEncoder(), LinearRegression(fit_intercept=False))
MAPS = ["negative_entropy", "euclidean", Tsallis(0.5), Tsallis(1.5)]
MAPS += [HyperbolicEntropy(0.3), "hyperbolic_tangent"]


def fit(step_size, n_iter, regressor=TABLE, **parameters):
    policy = AMPOPolicy(
        regressor,
        step_size=step_size,
        gamma=GAMMA,
        max_iter=n_iter,
        random_state=0,
        **parameters,
    )
    return policy.fit(MDP)


def gap(policy):
    """Expected return that is missing; below 1e-12 it counts as none."""
    proba = policy.predict_proba(MDP.states)
    missing = OPTIMUM.values.mean() - MDP.expected_return(proba, GAMMA)
    return 0.0 if abs(missing) < 1e-12 else missing


def digits(printed):
    """Half a unit of the last printed digit."""
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5001 * 10.0 ** (int(exponent or 0) - decimals)


def check(policy, printed):
    assert gap(policy) == pytest.approx(float(printed), rel=0, abs=digits(printed))


def test_the_model():
    assert OPTIMUM.values.mean() == pytest.approx(8.412034, abs=5e-7)
    uniform = fit(Constant(1.0), 0).predict_proba(MDP.states)
    assert MDP.expected_return(uniform, GAMMA) == pytest.approx(5.495733, abs=5e-7)


@pytest.mark.parametrize(
    ("eta", "n_iter", "printed"),
    [
        (0.1, 1, "2.8561"),
        (0.1, 10, "2.3457"),
        (0.1, 50, ".86825"),
        (1.0, 1, "2.3448"),
        (1.0, 10, ".28521"),
        (1.0, 50, ".01261"),
        (1.0, 200, "1.546e-5"),
        (10.0, 1, ".38925"),
        (10.0, 10, "1.339e-3"),
        (10.0, 50, "1.946e-10"),
    ],
)
def test_constant_steps(eta, n_iter, printed):
    check(fit(Constant(eta), n_iter), printed)


@pytest.mark.parametrize(
    ("n_iter", "printed"),
    [(1, "2.8239"), (5, "2.3663"), (10, "1.6016"), (20, ".28034"), (40, "1.395e-3")],
)
def test_geometric_steps(n_iter, printed):
    check(fit("geometric", n_iter), printed)


@pytest.mark.parametrize(
    ("n_iter", "printed"),
    [(1, "2.1638"), (5, ".3378"), (10, ".08349"), (20, "7.506e-3")],
)
def test_adaptive_steps_in_the_supremum_norm(n_iter, printed):
    # The printed numbers take 1 for the range of the rewards.
    policy = fit(Adaptive(c0=1 / np.ptp(MDP.reward)), n_iter)
    values = MDP.values(policy.predict_proba(MDP.states), GAMMA)
    missing = np.abs(OPTIMUM.values - values).max()
    assert missing == pytest.approx(float(printed), rel=0, abs=digits(printed))


@pytest.mark.parametrize(
    ("max_divergence", "printed", "n_iter_to_optimum"),
    [(0.01, "2.584", 20), (0.1, "1.896", 10), (0.5, ".809", 5)],
)
def test_trust_region_steps(max_divergence, printed, n_iter_to_optimum):
    check(fit(TrustRegion(max_divergence), 1), printed)
    assert gap(fit(TrustRegion(max_divergence), n_iter_to_optimum)) == 0


@pytest.mark.parametrize("step_size", ["greedy", Constant(1e9)], ids=["inf", "1e9"])
def test_large_steps_are_policy_iteration(step_size):
    proba = np.full((10, 4), 0.25)
    for n_iter in (1, 2, 3):
        greedy = MDP.action_values(proba, GAMMA).argmax(axis=1)
        proba = np.eye(4)[greedy]
        assert_array_equal(fit(step_size, n_iter).predict(MDP.states), greedy)
    assert gap(fit(step_size, 2)) == 0


@pytest.mark.parametrize("mirror_map", MAPS, ids=str)
def test_exact_critics_improve_monotonically(mirror_map):
    gaps = [gap(fit(Constant(1.0), k, mirror_map=mirror_map)) for k in range(8)]
    assert (np.diff(gaps) <= 1e-12).all()
    assert gaps[-1] < 0.5 * gaps[0]


def test_constant_steps_stay_below_their_bound():
    # (log A / (eta (1 - gamma)) + 1 / (1 - gamma)^2) / (k + 1) for eta = 1
    for k in (1, 10, 50):
        bound = (np.log(4) / (1 - GAMMA) + 1 / (1 - GAMMA) ** 2) / (k + 1)
        assert gap(fit(Constant(1.0), k)) <= bound
