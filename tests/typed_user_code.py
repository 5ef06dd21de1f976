"""What users write, checked by mypy and never run: types it knows, and mistakes."""

from pathlib import Path
from typing import assert_type

import numpy as np

from skampo import AMPOPolicy
from skampo.bandits import LinearBandit
from skampo.callbacks import Checkpoint
from skampo.critics import LSTDQ, FittedQ, LambdaReturn, Pessimistic
from skampo.data import TransitionLog
from skampo.distill import distill
from skampo.encodings import DualAveraging
from skampo.export import to_c
from skampo.inspection import record_video
from skampo.mirror_maps import Tsallis
from skampo.model_selection import compare, make_return_scorer, make_tasks
from skampo.off_policy import PolicyReport, doubly_robust, fitted_q_evaluation
from skampo.regressors import NystroemFeatures
from skampo.step_sizes import Constant, Geometric, TrustRegion
from skampo.theory import xiao_linear_bound


def written_by_users() -> None:
    policy = AMPOPolicy(max_iter=10, gamma=0.99, random_state=0).fit("CartPole-v1")
    assert_type(policy, AMPOPolicy)
    assert_type(policy.predict_proba([[0.0] * 4]), np.ndarray)
    assert_type(policy.score("CartPole-v1"), float)
    assert_type(policy.play("CartPole-v1", 10).returns, np.ndarray)
    assert_type(policy.save("policy.skampo"), None)
    assert_type(len(make_tasks("CartPole-v1", 4)), int)

    log = TransitionLog.from_frame({}, state=["age"], action="offer", reward="paid")
    assert_type(log, TransitionLog)
    assert_type(doubly_robust(policy, log).estimate, float)

    tree = distill(policy, "CartPole-v1", max_leaf_nodes=8)
    assert_type(tree.predict([[0.0] * 4]), np.ndarray)
    assert_type(to_c(tree).text, str | bytes)
    assert_type(compare({"tree": [tree]}, "CartPole-v1").returns, dict)
    assert_type(xiao_linear_bound(3, 0.9, 2.0, 1.0, 1.0), float | np.ndarray)

    AMPOPolicy(gamma="a")  # type: ignore[arg-type]
    AMPOPolicy(max_iter=1.5)  # type: ignore[arg-type]
    AMPOPolicy(gama=0.9)  # type: ignore[call-arg]
    policy.score("CartPole-v1").mean()  # type: ignore[attr-defined]


def parts_of_users() -> None:
    policy = AMPOPolicy(
        mirror_map=Tsallis(q=2),
        step_size=Geometric(ratio=None),
        critic=FittedQ(n_sweeps=5, trace_decay=None),
        encoding=DualAveraging(memory=10),
        random_state=np.random.RandomState(0),
    )
    Pessimistic(LSTDQ(alpha=1), strength=1.0, n_states=100)
    NystroemFeatures(100, gamma=0.5, random_state=0)

    FittedQ(capacity="all")  # type: ignore[arg-type]
    LambdaReturn(trace_decay=None)  # type: ignore[arg-type]
    Pessimistic(strength="much")  # type: ignore[arg-type]
    Tsallis(q="half")  # type: ignore[arg-type]
    Constant(eta=None)  # type: ignore[arg-type]
    TrustRegion(max_divergence="small")  # type: ignore[arg-type]
    DualAveraging(memory=0.5)  # type: ignore[arg-type]
    NystroemFeatures(n_components=0.5)  # type: ignore[arg-type]
    LinearBandit(exploration=1.0)  # type: ignore[arg-type]
    Checkpoint(Path("policy.skampo"), every=0.5)  # type: ignore[arg-type]
    make_tasks("CartPole-v1", 2.5)  # type: ignore[arg-type]
    make_return_scorer(n_episodes=None)  # type: ignore[arg-type]
    record_video(policy, "CartPole-v1", 3)  # type: ignore[arg-type]


def estimates_of_users(policy: AMPOPolicy, log: TransitionLog) -> None:
    fitted_q_evaluation(policy, log, n_bootstraps=None, random_state=0)
    to_c(policy, Path("policy.c"))

    doubly_robust(policy, log, gamma="0.9")  # type: ignore[arg-type]
    doubly_robust(policy, log, n_bootstraps=None)  # type: ignore[arg-type]
    PolicyReport.from_estimator(policy, log, min_gain="much")  # type: ignore[arg-type]
    distill(policy, log, max_leaf_nodes="8")  # type: ignore[arg-type]
    to_c(policy, 3)  # type: ignore[arg-type]
