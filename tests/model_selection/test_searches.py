"""scikit-learn's searches as they are, with environments as samples."""

import gymnasium
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from skampo.mirror_maps import Tsallis
from skampo.model_selection import make_return_scorer
from tests.model_selection.containers import ID, PAIRS, SAME, SEEDED, SPECS, TASKS

SMALL = {"max_iter": 1, "steps_per_iter": 64, "n_envs": 2, "random_state": 0}
GRID = {"regressor": [Ridge(), DecisionTreeRegressor(max_depth=3)]}


def policy(**parameters):
    return AMPOPolicy(Ridge(), **(SMALL | parameters))


def search(X, grid=GRID, estimator=None, n_jobs=1, **keywords):
    keywords = {"cv": 3, "error_score": "raise"} | keywords
    estimator = policy() if estimator is None else estimator
    return GridSearchCV(estimator, grid, n_jobs=n_jobs, **keywords).fit(X)


def scores(fitted):
    """The scores of all candidates on all folds."""
    results = fitted.cv_results_
    names = [name for name in results if name.startswith("split")]
    return np.array([results[name] for name in sorted(names)])


@pytest.fixture(scope="module")
def expected():
    return {
        "same": scores(search(SAME["ids"])),
        "seeded": scores(search(SEEDED["tasks"])),
    }


@pytest.mark.parametrize("name", SAME)
def test_environments_without_seeds(name, expected):
    assert_array_equal(scores(search(SAME[name])), expected["same"])


@pytest.mark.parametrize("name", SEEDED)
def test_tasks(name, expected):
    assert_array_equal(scores(search(SEEDED[name])), expected["seeded"])


@pytest.mark.parametrize("name", ["live", "U array", "specs", "lambdas", "vectors"])
def test_two_processes_find_the_same_for_environments(name, expected):
    assert_array_equal(scores(search(SAME[name], n_jobs=2)), expected["same"])


@pytest.mark.parametrize("name", ["tasks", "array of tasks", "tasks of live"])
def test_two_processes_find_the_same_for_tasks(name, expected):
    assert_array_equal(scores(search(SEEDED[name], n_jobs=2)), expected["seeded"])


def test_seeds_make_folds_differ(expected):
    assert len(np.unique(expected["same"], axis=0)) == 1
    assert len(np.unique(expected["seeded"], axis=0)) == 3


SINGLE = {
    "env": gymnasium.make(ID),
    "spec": SPECS[0],
    "vector": gymnasium.make_vec(ID, 2),
    "task": TASKS[0],
    "generator": (task for task in TASKS),
    "set": set(TASKS),
}


@pytest.mark.parametrize("X", SINGLE.values(), ids=SINGLE)
def test_one_environment_is_refused_by_scikit_learn(X):
    # Raised before anything of ours is asked; the user guide quotes it.
    match = "Input should have at least 1 dimension|Expected sequence or array-like"
    with pytest.raises(TypeError, match=match):
        search(X)


@pytest.mark.parametrize("X", [[SINGLE["env"]], {"id": ID, "seed": 0}])
def test_too_few_samples_are_refused_by_scikit_learn(X):
    with pytest.raises(ValueError, match="greater than the number of samples"):
        search(X)


OTHERS = {
    "id": ID,
    "pairs": PAIRS,
    "array of pairs": np.array(PAIRS, dtype=object),
    "lists": [list(pair) for pair in PAIRS],
    "dicts": [{"id": ID, "seed": seed} for _, seed in PAIRS],
}


@pytest.mark.filterwarnings("ignore:Scoring failed:UserWarning")
@pytest.mark.parametrize("error_score", ["raise", np.nan])
@pytest.mark.parametrize("X", OTHERS.values(), ids=OTHERS)
def test_what_is_no_list_of_environments(X, error_score):
    with pytest.raises(ValueError, match=r"model_selection.make_tasks\("):
        search(X, error_score=error_score)


def test_the_table_of_results():
    grid = {"regressor": [Ridge(), MLPRegressor(max_iter=20), None]}
    fitted = search(TASKS, grid, policy(max_iter=0))
    table = pd.DataFrame(fitted.cv_results_)
    names = list(map(str, table["param_regressor"]))
    assert names == ["Ridge()", "MLPRegressor(max_iter=20)", "None"]
    assert_array_equal(table["rank_test_score"], 1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_three_regressors_score_the_same_in_two_processes():
    trees = LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1)
    grid = {"regressor": [Ridge(), trees, MLPRegressor(max_iter=20)]}
    one, two = search(TASKS, grid), search(TASKS, grid, n_jobs=2)
    assert_array_equal(scores(one), scores(two))
    assert len(np.unique(scores(one))) > 3
    states = np.random.default_rng(0).normal(size=(9, 4))
    assert_array_equal(one.predict_proba(states), two.predict_proba(states))


def test_nested_names_reach_their_target():
    estimator = AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge()),
        mirror_map=Tsallis(),
        critic=FittedQ(),
        **SMALL,
    )
    grid = {
        "regressor__ridge__alpha": [0.1, 1e6],
        "mirror_map__q": [1.2, 1.8],
        "critic__n_sweeps": [1, 5],
    }
    fitted = search(TASKS, grid, estimator)
    assert len(np.unique(scores(fitted), axis=1).T) > 1
    best, chosen = fitted.best_estimator_, fitted.best_params_
    assert best.regressor[-1].alpha == chosen["regressor__ridge__alpha"]
    assert best.mirror_map_.q == chosen["mirror_map__q"]
    assert best.critic_.n_sweeps == chosen["critic__n_sweeps"]
    assert estimator.critic.n_sweeps == FittedQ().n_sweeps


def test_a_list_of_grids():
    grid = [{"regressor": [Ridge()], "regressor__alpha": [1.0, 2.0]}, GRID]
    assert len(search(TASKS, grid).cv_results_["params"]) == 4


def test_the_parameters_of_the_default_regressor_need_a_regressor():
    match = "regressor__alpha needs an object .* Got regressor=None instead"
    with pytest.raises(ValueError, match=match):
        search(TASKS, {"regressor__alpha": [1.0]}, AMPOPolicy(**SMALL))


def test_a_search_predicts_and_plays():
    fitted = search(TASKS)
    states = np.zeros((2, 4))
    best = fitted.best_estimator_
    assert_array_equal(fitted.predict(states), best.predict(states))
    assert_array_equal(fitted.predict_proba(states), best.predict_proba(states))
    assert_array_equal(fitted.classes_, [0, 1])
    assert fitted.n_features_in_ == 4
    for X in (ID, SINGLE["env"], TASKS, TASKS[0]):
        assert fitted.score(X) == best.score(X)


def test_refit():
    assert not hasattr(search(TASKS, refit=False), "best_estimator_")
    last = search(TASKS, refit=lambda results: 1)
    assert isinstance(last.best_estimator_.regressor, DecisionTreeRegressor)
    scoring = {
        "mean": make_return_scorer(n_episodes=4),
        "worst": make_return_scorer(n_episodes=4, statistic="min"),
    }
    both = search(TASKS, scoring=scoring, refit="worst")
    assert (
        both.cv_results_["mean_test_worst"] <= both.cv_results_["mean_test_mean"]
    ).all()
    assert both.best_score_ == both.cv_results_["mean_test_worst"].max()


def test_a_function_that_scores_several_things():
    def summary(estimator, X, y=None):
        return {"return": estimator.score(X), "steps": estimator.n_steps_}

    fitted = search(TASKS, scoring=summary, refit="return")
    assert_array_equal(fitted.cv_results_["mean_test_steps"], 64)
    assert fitted.best_score_ == fitted.cv_results_["mean_test_return"].max()


@pytest.mark.parametrize(
    ("scoring", "match"),
    [
        (lambda estimator, X, y: 0.0, "missing 1 required positional argument: 'y'"),
        ("accuracy", "missing 1 required positional argument: 'y_true'"),
    ],
)
def test_scorers_that_need_labels(scoring, match):
    with pytest.raises(TypeError, match=match):
        search(TASKS, scoring=scoring)


def test_an_environment_that_fails_costs_its_folds_only():
    broken = [*TASKS[:4], "NoSuchEnv-v0", TASKS[5]]
    with pytest.warns((FitFailedWarning, UserWarning)) as caught:
        fitted = search(broken, error_score=np.nan, refit=False)
    assert any("'NoSuchEnv-v0' cannot be made" in str(w.message) for w in caught)
    # Trained on it twice, played in it once.
    assert np.isnan(scores(fitted)).all()


def test_an_id_that_only_this_process_knows():
    name = "OnlyHere-v0"
    gymnasium.register(name, lambda: gymnasium.make(ID), max_episode_steps=500)
    try:
        with pytest.raises(ValueError, match="registered in one process is unknown"):
            search([name] * 6, n_jobs=2)
        tasks = [gymnasium.spec(name)] * 6
        assert_array_equal(scores(search(tasks, n_jobs=2)), scores(search(tasks)))
    finally:
        del gymnasium.registry[name]


def test_what_does_not_pickle_does_not_reach_workers():
    env = gymnasium.make(ID, render_mode="rgb_array")
    env.reset(seed=0)
    env.render()
    with pytest.raises(Exception, match="Could not pickle"):
        search([env] * 6, n_jobs=2)
    assert_array_equal(scores(search([env] * 6)), scores(search(SAME["ids"])))
    env.close()


def test_random_search():
    distributions = {"gamma": [0.5, 0.9, 0.99], "step_size": ["constant", "greedy"]}
    runs = [
        RandomizedSearchCV(
            policy(), distributions, n_iter=3, cv=3, random_state=0, n_jobs=n_jobs
        ).fit(TASKS)
        for n_jobs in (1, 2)
    ]
    assert_array_equal(scores(runs[0]), scores(runs[1]))


@pytest.mark.parametrize("resource", ["max_iter", "steps_per_iter"])
def test_halving_gives_more_to_the_better(resource):
    fitted = HalvingGridSearchCV(
        policy(),
        {"gamma": [0.5, 0.9, 0.95, 0.99]},
        resource=resource,
        min_resources=2,
        max_resources=8,
        factor=2,
        cv=2,
        error_score="raise",
    ).fit(TASKS)
    assert fitted.n_resources_ == [2, 4, 8]
    assert fitted.n_candidates_ == [4, 2, 1]
    assert fitted.best_estimator_.get_params()[resource] == 8


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_halving_by_the_number_of_tasks(n_jobs):
    fitted = HalvingRandomSearchCV(
        policy(),
        {"gamma": [0.5, 0.9, 0.95, 0.99]},
        min_resources=2,
        factor=2,
        cv=2,
        random_state=0,
        n_jobs=n_jobs,
    ).fit(TASKS)
    assert fitted.n_resources_[-1] <= len(TASKS)
    assert fitted.best_estimator_.n_iter_ == 1


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental")
def test_optuna():
    integration = pytest.importorskip("optuna_integration")
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def run(n_jobs, X=TASKS):
        study = optuna.create_study(
            sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize"
        )
        distributions = {
            "gamma": optuna.distributions.FloatDistribution(0.5, 0.99),
            "regressor__alpha": optuna.distributions.FloatDistribution(1e-3, 1.0),
        }
        return integration.OptunaSearchCV(
            policy(), distributions, cv=3, n_trials=3, n_jobs=n_jobs, study=study
        ).fit(X)

    first, again = run(1), run(1)
    assert first.best_params_ == again.best_params_
    assert (
        first.best_estimator_.regressor.alpha == first.best_params_["regressor__alpha"]
    )
    assert first.score(ID) == first.best_estimator_.score(ID)
    assert len(run(2).trials_) == 3
    with pytest.raises(TypeError, match="Expected sequence or array-like"):
        run(1, SINGLE["env"])
