"""Files with parts that act, that take memory and time, or that cannot predict.

A kind of policy, what is changed in its file, and words of the error.
"""

import numpy as np

from tests.persistence.edits import (
    attribute,
    both,
    callback,
    doubled,
    entries,
    episode_counts,
    first,
    grouped,
    nested,
    parameter,
    renamed,
    task,
    without,
)

COUNTS = "a state with counts of rollouts that are none"
NONE = {"object": ["Euclidean", {}, {}]}

PARTS = grouped(
    {
        ("Ridge", "an object of 'EnvSpec', which files do not hold"): {
            "a task as a seed": parameter(
                "AMPOPolicy", "random_state", task("EnvTask")
            ),
            "a generator": attribute("Ridge", "n_iter_", task("Generator")),
        },
        ("Ridge", "an object of 'RandomState', which files do not hold"): {
            "a random state": parameter(
                "AMPOPolicy", "random_state", {"object": ["RandomState", {}, {}]}
            )
        },
        ("Ridge", "an object of 'os.system', which files do not hold"): {
            "the name of a module": renamed("Ridge", "os.system")
        },
        ("Ridge", "an object of 'clone', which files do not hold"): {
            "the name of a function": renamed("Ridge", "clone")
        },
        ("Ridge", "an object of 'EnvTask', which files do not hold"): {
            "a class of skampo that is no part of policies": renamed("Ridge", "EnvTask")
        },
        ("Ridge", "a AMPOPolicy with the attribute '__sklearn_clone__'"): {
            "a private method": attribute("AMPOPolicy", "__sklearn_clone__", NONE)
        },
        ("Ridge", "a AMPOPolicy with the attribute '__class__'"): {
            "another class": attribute("AMPOPolicy", "__class__", NONE)
        },
        ("Ridge", "'call' as a node, which files do not hold"): {
            "an unknown kind of node": attribute("Ridge", "n_iter_", {"call": []})
        },
        ("Ridge", "'eval' as a type, which files do not hold"): {
            "a type that is none": attribute("Ridge", "n_iter_", {"type": "eval"})
        },
        ("Ridge", "an object of 'Checkpoint', which files do not hold"): {
            "a callback": callback
        },
        ("Nystroem", "a Pipeline with memory='cache'"): {
            "a cache of pickles": parameter("Pipeline", "memory", "cache")
        },
        ("bagging", "a BaggingRegressor with n_jobs=1000"): {
            "processes": parameter("BaggingRegressor", "n_jobs", 1000)
        },
        (
            "LightGBM",
            "a LGBMRegressor with machines='a:1,b:2', which files do not hold",
        ): {"machines of LightGBM": parameter("LGBMRegressor", "machines", "a:1,b:2")},
        (
            "LightGBM",
            "a LGBMRegressor with boosting_type='gbdt predict_disable_shape_check=true",
        ): {
            "a parameter in another one": parameter(
                "LGBMRegressor",
                "boosting_type",
                "gbdt predict_disable_shape_check=true",
            )
        },
        ("LightGBM", "a LGBMRegressor with predict_disable_shape_check=True, which"): {
            "no check of shapes": parameter(
                "LGBMRegressor", "predict_disable_shape_check", True
            )
        },
        ("LightGBM", "a LightGBM model whose trees do not fit together"): {
            "cores that are counted": parameter("LGBMRegressor", "n_jobs", None)
        },
        ("discrete", "a discrete space without a size"): {
            "a space below nothing": attribute(
                "ObservationEncoder",
                "space",
                ["Tuple", ["Discrete", -(10**7), 0], ["Discrete", 10**7, 0]],
            )
        },
        ("bits", "a space of bits without a size"): {
            "a space of many": attribute(
                "ObservationEncoder", "space", ["MultiBinary", [10**9]]
            )
        },
        ("letters", "a space of sizes other than 1 to 200,000"): {
            "a long text": attribute(
                "ObservationEncoder", "space", ["Text", 1, 10**9, "ab"]
            )
        },
        ("discrete", "an integer of more than 64 bits"): {
            "a large number": attribute(
                "ObservationEncoder", "space", ["Discrete", 10**30, 0]
            )
        },
        ("Ridge", "more than 100,000 objects"): {
            "many parts in few nodes": doubled(40)
        },
        ("Nystroem", "parts inside each other on more than 60 levels"): {
            "pipelines inside pipelines": nested(30)
        },
        (
            "forest",
            "a RandomForestRegressor with n_estimators=1000000000, more than 10,000",
        ): {
            "too many trees": parameter("RandomForestRegressor", "n_estimators", 10**9)
        },
        (
            "network",
            "a MLPRegressor with hidden_layer_sizes=[1000000], more than 4,096",
        ): {
            "too wide a network": parameter(
                "MLPRegressor", "hidden_layer_sizes", [10**6]
            )
        },
        ("polynomials", "a PolynomialFeatures with degree=1000000, more than 100"): {
            "too many terms": parameter("PolynomialFeatures", "degree", 10**6)
        },
        ("joint", "scores of 1000000 actions"): {
            "all pairs with actions": attribute("JointScores", "n_actions", 10**6)
        },
        ("scalers", "a FunctionTransformer of 1000000000000 features"): {
            "too many features": attribute(
                "FunctionTransformer", "n_features_in_", 10**12
            )
        },
        ("Ridge", "transitions of other actions"): {
            "actions that are counted": attribute(
                "Transitions", "actions", first(10**9)
            ),
            "actions below nothing": attribute("Transitions", "actions", first(-1)),
            "halves of actions": attribute(
                "Transitions", "actions", lambda a: a.astype(float)
            ),
        },
        ("Ridge", "a state with other entries than rollouts have"): {
            "another keyword of rollouts": attribute(
                "State", "rollouts", {"dict": [["sampling", "steps"]]}
            )
        },
        ("Ridge", "draws that are no two numbers"): {
            "steps of a generator that are none": attribute(
                "State", "rollouts", {"dict": [["draws", [0, -1]]]}
            )
        },
        ("Ridge", "unfinished episodes of other entries"): {
            "episodes without actions": attribute(
                "State", "rollouts", {"dict": [["unfinished", {"dict": []}]]}
            )
        },
        ("Ridge", "a state of data without a digest"): {
            "a digest that is none": attribute(
                "State", "rollouts", {"dict": [["digest", "0"]]}
            ),
            "a reason to stop that is none": attribute("State", "settled", "0"),
        },
        (
            "Nystroem",
            "a Nystroem with _n_features_out=1000000000, more than 1,000,000",
        ): {"many names": attribute("Nystroem", "_n_features_out", 10**9)},
        ("Ridge", "a ClippedValues of other parts"): {
            "a part less": without("ClippedValues", "unit")
        },
        ("Ridge", "a ClippedValues whose unit has another form"): {
            "a unit of text": attribute("ClippedValues", "unit", "rbf"),
            "no unit": attribute("ClippedValues", "unit", None),
        },
        ("Ridge", "a ClippedValues whose low has another form"): {
            "a bound that is true": attribute("ClippedValues", "low", True)
        },
        ("Ridge", "a ClippedValues whose scores has another form"): {
            "scores that nobody can call": attribute("ClippedValues", "scores", NONE)
        },
        ("Ridge", "a MirrorPolicy whose f has another form"): {
            "no scores": attribute("MirrorPolicy", "f", None)
        },
        ("Ridge", "a MirrorPolicy whose mirror_map has another form"): {
            "a mirror map that is none": attribute(
                "MirrorPolicy", "mirror_map", {"object": ["SVR", {}, {}]}
            )
        },
        ("table", "a column of the type 'datetime64[ns, dateutil/any]'"): {
            "a file of a time zone": parameter(
                "TableColumns", "dtypes", ["datetime64[ns, dateutil/any]", "str"]
            )
        },
        ("table", "a column of the type 'read_csv'"): {
            "a function of polars": parameter(
                "TableColumns", "dtypes", ["read_csv", "str"]
            )
        },
        ("table", "a column of the type ['Datetime', 'ms', 'any']"): {
            "a time zone of polars": parameter(
                "TableColumns", "dtypes", [["Datetime", "ms", "any"], "str"]
            )
        },
        ("Ridge", COUNTS): {
            "steps of text": attribute(
                "State", "rollouts", {"dict": [["n_steps", "3"]]}
            ),
            "episodes below nothing": attribute(
                "State", "rollouts", {"dict": [["n_episodes", -1]]}
            ),
            "episodes of halves": attribute(
                "State", "rollouts", {"dict": [["episode_counts", [0.5]]]}
            ),
            "episodes in a table": attribute(
                "State", "rollouts", {"dict": [["episode_counts", [[1]]]]}
            ),
        },
        ("Ridge", "a AMPOPolicy with random_state=-1, less than 0"): {
            "a seed below nothing": parameter("AMPOPolicy", "random_state", -1)
        },
        ("Nystroem", "a Pipeline whose steps are no names and parts"): {
            "steps that are none": parameter("Pipeline", "steps", 1),
            "a step that is none": parameter("Pipeline", "steps", [1]),
            "a step of three": parameter("Pipeline", "steps", [["a", NONE, NONE]]),
            "a step without a name": parameter("Pipeline", "steps", [[1, NONE]]),
        },
        ("Lasso", "a Lasso of -1 features"): {
            "fewer features than none": attribute("Lasso", "n_features_in_", -1)
        },
        ("Ridge", "a State whose n_features has another form"): {
            "features of text": attribute("State", "n_features", "2")
        },
        ("Ridge", "a policy of other observations or actions than its own"): {
            "a policy of more features": attribute("AMPOPolicy", "n_features_in_", 3),
            "a policy of more actions": attribute(
                "AMPOPolicy", "classes_", [0, 1, 2, 3]
            ),
        },
        ("labels that go on", "a policy with the state of another one"): {
            "a state of more features": attribute("State", "n_features", 3),
            "a state of more actions": attribute("State", "classes", ["a", "b", "c"]),
        },
        ("Ridge", "transitions of other flags"): {
            "ends that are numbers": attribute(
                "Transitions", "terminated", lambda a: a.astype(int)
            ),
            "cuts that are numbers": attribute(
                "Transitions", "truncated", lambda a: a.astype(int)
            ),
            "borders that are numbers": attribute(
                "Transitions", "ends", lambda a: a.astype(int)
            ),
        },
        ("masks", "a Transitions whose next_action_masks has another form"): {
            "masks of more actions": attribute(
                "Transitions", "action_masks", lambda a: np.hstack([a, a])
            )
        },
        ("masks", "transitions of other flags"): {
            "all masks of more actions": both(
                attribute("Transitions", "action_masks", lambda a: np.hstack([a, a])),
                attribute(
                    "Transitions", "next_action_masks", lambda a: np.hstack([a, a])
                ),
            )
        },
        ("Ridge", "transitions of other observations"): {
            "transitions of more features": both(
                attribute("Transitions", "observations", lambda a: np.hstack([a, a])),
                attribute(
                    "Transitions", "next_observations", lambda a: np.hstack([a, a])
                ),
            )
        },
        ("table", "a table of other columns than types"): {
            "fewer types than columns": parameter("TableColumns", "dtypes", ["int64"]),
            "a table of another library": parameter("TableColumns", "library", "os"),
        },
        ("Ridge", "scores whose parts do not go together: matmul"): {
            "weights of other features": attribute(
                "LinearScores", "weights", lambda a: a[:-1]
            )
        },
        (
            "default",
            "scores whose parts do not go together: 'StandardScaler' object has no",
        ): {"a scaler without a scale": without("StandardScaler", "scale_")},
        ("multi_output", "scores of 2.5 actions"): {
            "half an action": attribute("ColumnScores", "n_actions", 2.5)
        },
        ("Ridge", "finite numbers"): {
            "an intercept that is no number": attribute(
                "LinearScores", "intercept", first(np.nan)
            )
        },
        ("Ridge", "scores whose parts do not go together: Input scores contain NaN"): {
            "a step size that is no number": attribute(
                "MirrorPolicy", "eta", float("nan")
            )
        },
        ("Ridge", "transitions of numbers that are not finite"): {
            "rewards that are no numbers": attribute(
                "Transitions", "rewards", first(np.nan)
            )
        },
        ("Ridge", "unfinished episodes that were never started"): {
            "episodes that never began": episode_counts(0)
        },
        ("default", "a critic with a part of what it knows of its features"): {
            "features of no age": without("FittedQ", "_n_fitted")
        },
        ("bandit", "sums over rows of other than 2 finite numbers"): {
            "an origin of fewer columns": attribute(
                "Posterior", "origin", lambda array: array[:1].copy()
            )
        },
        ("bandit", "sums over rows of other than 3 finite numbers"): {
            "a moment that is no number": attribute(
                "Posterior", "moments", first(np.nan)
            )
        },
        ("bandit", "a penalty that is not above 0, or no rows"): {
            "a penalty below zero": attribute("Posterior", "alpha", -1.0),
            "sums of no rows": attribute("Posterior", "grams", np.zeros_like),
        },
        ("bandit", "sums of squares that are none"): {
            "fewer rows than none": attribute("Posterior", "grams", first(-9.0)),
            "products of two orders": attribute(
                "Posterior", "grams", entries(0, 1, 1e3)
            ),
        },
        ("bandit", "The 'width' parameter of a bandit"): {
            "a width below zero": attribute("ExploringPolicy", "width", -1.0)
        },
        ("bandit", "The 'exploration' parameter of a bandit"): {
            "an exploration that is none": attribute(
                "ExploringPolicy", "exploration", "boldly"
            )
        },
    }
)
