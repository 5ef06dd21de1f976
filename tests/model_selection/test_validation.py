"""scikit-learn's cross-validation, curves and splitters on tasks."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LearningCurveDisplay,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    ValidationCurveDisplay,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)

from skampo import AMPOPolicy
from skampo.model_selection import make_return_scorer
from tests.model_selection.containers import TASKS

SMALL = {"max_iter": 1, "steps_per_iter": 32, "n_envs": 2, "random_state": 0}
POLICY = AMPOPolicy(Ridge(), **SMALL)
CURVE = {"param_name": "max_iter", "param_range": [0, 1]}


@pytest.mark.parametrize(
    ("cv", "n_splits"),
    [
        (3, 3),
        (KFold(2), 2),
        (KFold(2, shuffle=True, random_state=0), 2),
        (ShuffleSplit(2, random_state=0), 2),
        (PredefinedSplit([-1, -1, 0, 0, 1, 1]), 2),
        (LeaveOneOut(), 6),
        (TimeSeriesSplit(2), 2),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), 4),
        ([([0, 1, 2], [3, 4, 5])], 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_way_of_splitting(cv, n_splits):
    assert len(cross_val_score(POLICY, TASKS, cv=cv, error_score="raise")) == n_splits


def test_groups_stay_together():
    groups = [0, 0, 1, 1, 2, 2]
    results = cross_validate(
        POLICY,
        TASKS,
        cv=GroupKFold(3),
        groups=groups,
        return_estimator=True,
        return_indices=True,
        return_train_score=True,
        error_score="raise",
    )
    for test, fitted, train_score in zip(
        results["indices"]["test"],
        results["estimator"],
        results["train_score"],
        strict=True,
    ):
        assert len({groups[i] for i in test}) == 1
        rest = [task for i, task in enumerate(TASKS) if i not in test]
        assert fitted.score(rest) == train_score


def test_strata_need_labels():
    with pytest.raises(TypeError, match="at least 1 dimension"):
        cross_val_score(POLICY, TASKS, cv=StratifiedKFold(3))


def test_jobs_do_not_change_scores():
    scores = [cross_val_score(POLICY, TASKS, cv=3, n_jobs=n) for n in (1, 2)]
    assert_array_equal(*scores)


def test_a_scorer():
    scoring = make_return_scorer(n_episodes=4, statistic="min")
    worst = cross_val_score(POLICY, TASKS, cv=3, scoring=scoring)
    assert (worst <= cross_val_score(POLICY, TASKS, cv=3)).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_curves(n_jobs):
    sizes, train, test = learning_curve(
        POLICY, TASKS, None, cv=3, train_sizes=[2, 4], n_jobs=n_jobs
    )
    assert_array_equal(sizes, [2, 4])
    assert train.shape == test.shape == (2, 3)
    train, test = validation_curve(POLICY, TASKS, None, cv=3, n_jobs=n_jobs, **CURVE)
    assert train.shape == test.shape == (2, 3)
    assert np.isfinite([train, test]).all()


@pytest.mark.parametrize("curve", [learning_curve, validation_curve])
def test_curves_ask_for_labels_even_if_there_are_none(curve):
    keywords = CURVE if curve is validation_curve else {}
    with pytest.raises(TypeError, match="missing a required argument: 'y'"):
        curve(POLICY, TASKS, **keywords)


def test_displays():
    display = LearningCurveDisplay.from_estimator(
        POLICY, TASKS, None, cv=3, train_sizes=[2, 4]
    )
    assert len(display.lines_) == 2 or display.fill_between_
    display = ValidationCurveDisplay.from_estimator(POLICY, TASKS, None, cv=3, **CURVE)
    assert display.ax_.get_xlabel() == "max_iter"


def test_permuted_labels():
    score, permuted, _ = permutation_test_score(
        POLICY, np.eye(6), [0, 1] * 3, cv=2, n_permutations=3, random_state=0
    )
    assert np.isfinite([score, *permuted]).all()


def test_tasks_are_split_like_a_list():
    train, test = train_test_split(TASKS, test_size=2, random_state=0)
    assert type(train) is type(test) is list
    assert sorted(task.seed for task in train + test) == list(range(6))


def test_predictions_need_states():
    with pytest.raises(ValueError, match="Got list, which stands for environments"):
        cross_val_predict(POLICY, TASKS, cv=3)
