"""What users write, checked by mypy and never run: types it knows, and mistakes."""

from typing import assert_type

import numpy as np

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.distill import distill
from skampo.export import to_c
from skampo.model_selection import compare, make_tasks
from skampo.off_policy import doubly_robust
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
