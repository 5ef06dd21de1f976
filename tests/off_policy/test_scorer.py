"""Stock searches choose a regressor from a log alone."""

import dataclasses
import pickle
import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import ExtraTreeRegressor

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import fitted_q_evaluation, make_off_policy_scorer
from tests.off_policy.layered import Layered

MODEL = Layered.random(0)
LOG = MODEL.draw(300, seed=0)
TABULAR = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), Ridge(1e-3, fit_intercept=False)
)
GRID = {"regressor": [DummyRegressor(), TABULAR]}


def search(scorer, n_jobs=None):
    return GridSearchCV(
        AMPOPolicy(gamma=MODEL.gamma, max_iter=5, random_state=0, critic="fitted_q"),
        GRID,
        scoring=scorer,
        cv=GroupKFold(3),
        error_score="raise",
        n_jobs=n_jobs,
    ).fit(LOG, groups=LOG.episodes)


ESTIMATORS = ["doubly_robust", "fitted_q_evaluation", "importance_sampling", "magic"]
ESTIMATORS += ["per_decision_importance_sampling"]


@pytest.mark.filterwarnings("ignore:the regressor")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_regressor_that_can_tell_states_apart_is_chosen(name):
    options = {"gamma": MODEL.gamma}
    if name in ("fitted_q_evaluation", "doubly_robust", "magic"):
        options["regressor"] = TABULAR
    if "importance" in name:
        options["self_normalized"] = True
    found = search(make_off_policy_scorer(name, **options))
    assert found.best_params_ == {"regressor": TABULAR}
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


@pytest.mark.filterwarnings("ignore:the regressor")
def test_the_score_does_not_depend_on_the_number_of_jobs():
    # Its splits are drawn by the seed of the scorer.
    model = ExtraTreeRegressor(max_depth=2)
    scorer = make_off_policy_scorer(gamma=MODEL.gamma, regressor=model)
    one, two = search(scorer), search(scorer, n_jobs=2)
    for key in ("mean_test_score", "std_test_score"):
        assert one.cv_results_[key].tolist() == two.cv_results_[key].tolist()


def test_the_lower_bound_is_lower():
    policy = AMPOPolicy(TABULAR, max_iter=2, critic="fitted_q", random_state=0)
    policy.fit(LOG)
    options = {"gamma": MODEL.gamma, "self_normalized": True}
    estimate = make_off_policy_scorer("per_decision_importance_sampling", **options)
    low = make_off_policy_scorer(
        "per_decision_importance_sampling", bound="low", **options
    )
    assert low(policy, LOG) < estimate(policy, LOG)
    assert pickle.loads(pickle.dumps(low))(policy, LOG) == low(policy, LOG)


@dataclasses.dataclass
class Fixed:
    estimate: float


@pytest.mark.parametrize("estimator", [fitted_q_evaluation, "fitted_q_evaluation"])
def test_a_function_of_ours_is_seeded_like_its_name(estimator):
    scorer = make_off_policy_scorer(estimator, gamma=0.5)
    assert scorer.options == {"random_state": 0, "n_bootstraps": 0, "gamma": 0.5}


def test_a_function_of_a_policy_and_a_log():
    scorer = make_off_policy_scorer(lambda policy, log: Fixed(len(log)))
    assert scorer(None, LOG) == len(LOG)
    seeded = lambda policy, log, scale, random_state: Fixed(scale + random_state)
    assert make_off_policy_scorer(seeded, scale=2)(None, LOG) == 2
    assert make_off_policy_scorer(seeded, scale=2, random_state=3)(None, LOG) == 5


def test_a_scorer_keeps_to_itself_what_a_small_log_cannot_answer():
    def told(category):
        def estimator(policy, log):
            warnings.warn("said by the estimator", category, stacklevel=1)
            return Fixed(1.0)

        return make_off_policy_scorer(estimator)

    assert told(UserWarning)(None, LOG) == 1
    # A mistake in an estimator is another matter.
    with pytest.warns(RuntimeWarning, match="said by the estimator"):
        told(RuntimeWarning)(None, LOG)


def test_unknown_names_are_refused():
    with pytest.raises(InvalidParameterError, match=r"'magic'.*Got 'dm'"):
        make_off_policy_scorer("dm")
    with pytest.raises(InvalidParameterError, match="Got None"):
        make_off_policy_scorer(None)
    with pytest.raises(InvalidParameterError, match="Got 'high'"):
        make_off_policy_scorer(bound="high")
    with pytest.raises(ValueError, match="needs a TransitionLog as X"):
        make_off_policy_scorer()(None, np.zeros((3, 2)))
