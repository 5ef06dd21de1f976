"""Files with parts that act, that take memory and time, or that cannot predict.

A kind of policy, what is changed in its file, and words of the error.
"""

import numpy as np

from tests.persistence.edits import (
    attribute,
    both,
    callback,
    doubled,
    episode_counts,
    first,
    nested,
    parameter,
    renamed,
    task,
    without,
)

COUNTS = "a state with counts of rollouts that are none"
NONE = {"object": ["Euclidean", {}, {}]}

PARTS = {
    # What ran commands, or imported modules.
    "a task as a seed": (
        "Ridge",
        parameter("AMPOPolicy", "random_state", task("EnvTask")),
        "an object of 'EnvSpec', which files do not hold",
    ),
    "a random state": (
        "Ridge",
        parameter("AMPOPolicy", "random_state", {"object": ["RandomState", {}, {}]}),
        "an object of 'RandomState', which files do not hold",
    ),
    "a generator": (
        "Ridge",
        attribute("Ridge", "n_iter_", task("Generator")),
        "an object of 'EnvSpec', which files do not hold",
    ),
    "the name of a module": (
        "Ridge",
        renamed("Ridge", "os.system"),
        "an object of 'os.system', which files do not hold",
    ),
    "the name of a function": (
        "Ridge",
        renamed("Ridge", "clone"),
        "an object of 'clone', which files do not hold",
    ),
    "a class of skampo that is no part of policies": (
        "Ridge",
        renamed("Ridge", "EnvTask"),
        "an object of 'EnvTask', which files do not hold",
    ),
    "a private method": (
        "Ridge",
        attribute("AMPOPolicy", "__sklearn_clone__", NONE),
        "a AMPOPolicy with the attribute '__sklearn_clone__'",
    ),
    "another class": (
        "Ridge",
        attribute("AMPOPolicy", "__class__", NONE),
        "a AMPOPolicy with the attribute '__class__'",
    ),
    "an unknown kind of node": (
        "Ridge",
        attribute("Ridge", "n_iter_", {"call": []}),
        "'call' as a node, which files do not hold",
    ),
    "a type that is none": (
        "Ridge",
        attribute("Ridge", "n_iter_", {"type": "eval"}),
        "'eval' as a type, which files do not hold",
    ),
    # What acted when it was used again.
    "a callback": (
        "Ridge",
        callback,
        "an object of 'Checkpoint', which files do not hold",
    ),
    "a cache of pickles": (
        "Nystroem",
        parameter("Pipeline", "memory", "cache"),
        "a Pipeline with memory='cache'",
    ),
    "processes": (
        "bagging",
        parameter("BaggingRegressor", "n_jobs", 1000),
        "a BaggingRegressor with n_jobs=1000",
    ),
    "machines of LightGBM": (
        "LightGBM",
        parameter("LGBMRegressor", "machines", "a:1,b:2"),
        "a LGBMRegressor with machines='a:1,b:2', which files do not hold",
    ),
    "a parameter in another one": (
        "LightGBM",
        parameter(
            "LGBMRegressor", "boosting_type", "gbdt predict_disable_shape_check=true"
        ),
        "a LGBMRegressor with boosting_type='gbdt predict_disable_shape_check=true'",
    ),
    "no check of shapes": (
        "LightGBM",
        parameter("LGBMRegressor", "predict_disable_shape_check", True),
        "a LGBMRegressor with predict_disable_shape_check=True, which",
    ),
    "cores that are counted": (
        "LightGBM",
        parameter("LGBMRegressor", "n_jobs", None),
        "a LightGBM model whose trees do not fit together",
    ),
    # What took memory and time.
    "a space below nothing": (
        "discrete",
        attribute(
            "ObservationEncoder",
            "space",
            ["Tuple", ["Discrete", -(10**7), 0], ["Discrete", 10**7, 0]],
        ),
        "a discrete space without a size",
    ),
    "a space of many": (
        "bits",
        attribute("ObservationEncoder", "space", ["MultiBinary", [10**9]]),
        "a space of bits without a size",
    ),
    "a long text": (
        "letters",
        attribute("ObservationEncoder", "space", ["Text", 1, 10**9, "ab"]),
        "a space of sizes other than 1 to 200,000",
    ),
    "a large number": (
        "discrete",
        attribute("ObservationEncoder", "space", ["Discrete", 10**30, 0]),
        "an integer of more than 64 bits",
    ),
    "many parts in few nodes": (
        "Ridge",
        doubled(40),
        "more than 100,000 objects",
    ),
    "pipelines inside pipelines": (
        "Nystroem",
        nested(30),
        "parts inside each other on more than 60 levels",
    ),
    "too many trees": (
        "forest",
        parameter("RandomForestRegressor", "n_estimators", 10**9),
        "a RandomForestRegressor with n_estimators=1000000000, more than 10,000",
    ),
    "too wide a network": (
        "network",
        parameter("MLPRegressor", "hidden_layer_sizes", [10**6]),
        "a MLPRegressor with hidden_layer_sizes=[1000000], more than 4,096",
    ),
    "too many terms": (
        "polynomials",
        parameter("PolynomialFeatures", "degree", 10**6),
        "a PolynomialFeatures with degree=1000000, more than 100",
    ),
    "all pairs with actions": (
        "joint",
        attribute("JointScores", "n_actions", 10**6),
        "scores of 1000000 actions",
    ),
    "too many features": (
        "scalers",
        attribute("FunctionTransformer", "n_features_in_", 10**12),
        "a FunctionTransformer of 1000000000000 features",
    ),
    "actions that are counted": (
        "Ridge",
        attribute("Transitions", "actions", first(10**9)),
        "transitions of other actions",
    ),
    "another keyword of rollouts": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["sampling", "steps"]]}),
        "a state with other entries than rollouts have",
    ),
    "steps of a generator that are none": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["draws", [0, -1]]]}),
        "draws that are no two numbers",
    ),
    "episodes without actions": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["unfinished", {"dict": []}]]}),
        "unfinished episodes of other entries",
    ),
    "a digest that is none": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["digest", "0"]]}),
        "a state of data without a digest",
    ),
    "many names": (
        "Nystroem",
        attribute("Nystroem", "_n_features_out", 10**9),
        "a Nystroem with _n_features_out=1000000000, more than 1,000,000",
    ),
    "a part less": (
        "Ridge",
        without("ClippedValues", "unit"),
        "a ClippedValues of other parts",
    ),
    # What is computed with when it predicts.
    "a unit of text": (
        "Ridge",
        attribute("ClippedValues", "unit", "rbf"),
        "a ClippedValues whose unit has another form",
    ),
    "no unit": (
        "Ridge",
        attribute("ClippedValues", "unit", None),
        "a ClippedValues whose unit has another form",
    ),
    "a bound that is true": (
        "Ridge",
        attribute("ClippedValues", "low", True),
        "a ClippedValues whose low has another form",
    ),
    "scores that nobody can call": (
        "Ridge",
        attribute("ClippedValues", "scores", NONE),
        "a ClippedValues whose scores has another form",
    ),
    "no scores": (
        "Ridge",
        attribute("MirrorPolicy", "f", None),
        "a MirrorPolicy whose f has another form",
    ),
    "a mirror map that is none": (
        "Ridge",
        attribute("MirrorPolicy", "mirror_map", {"object": ["SVR", {}, {}]}),
        "a MirrorPolicy whose mirror_map has another form",
    ),
    "a file of a time zone": (
        "table",
        parameter("TableColumns", "dtypes", ["datetime64[ns, dateutil/any]", "str"]),
        "a column of the type 'datetime64[ns, dateutil/any]'",
    ),
    "a function of polars": (
        "table",
        parameter("TableColumns", "dtypes", ["read_csv", "str"]),
        "a column of the type 'read_csv'",
    ),
    "a time zone of polars": (
        "table",
        parameter("TableColumns", "dtypes", [["Datetime", "ms", "any"], "str"]),
        "a column of the type ['Datetime', 'ms', 'any']",
    ),
    # What would be refused by whoever goes on with it, in words about something else.
    "steps of text": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["n_steps", "3"]]}),
        COUNTS,
    ),
    "episodes below nothing": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["n_episodes", -1]]}),
        COUNTS,
    ),
    "episodes of halves": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["episode_counts", [0.5]]]}),
        COUNTS,
    ),
    "episodes in a table": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["episode_counts", [[1]]]]}),
        COUNTS,
    ),
    "a seed below nothing": (
        "Ridge",
        parameter("AMPOPolicy", "random_state", -1),
        "a AMPOPolicy with random_state=-1, less than 0",
    ),
    "steps that are none": (
        "Nystroem",
        parameter("Pipeline", "steps", 1),
        "a Pipeline whose steps are no names and parts",
    ),
    "a step that is none": (
        "Nystroem",
        parameter("Pipeline", "steps", [1]),
        "a Pipeline whose steps are no names and parts",
    ),
    "a step of three": (
        "Nystroem",
        parameter("Pipeline", "steps", [["a", NONE, NONE]]),
        "a Pipeline whose steps are no names and parts",
    ),
    "a step without a name": (
        "Nystroem",
        parameter("Pipeline", "steps", [[1, NONE]]),
        "a Pipeline whose steps are no names and parts",
    ),
    "fewer features than none": (
        "Lasso",
        attribute("Lasso", "n_features_in_", -1),
        "a Lasso of -1 features",
    ),
    "features of text": (
        "Ridge",
        attribute("State", "n_features", "2"),
        "a State whose n_features has another form",
    ),
    "a policy of more features": (
        "Ridge",
        attribute("AMPOPolicy", "n_features_in_", 3),
        "a policy of other observations or actions than its own",
    ),
    "a policy of more actions": (
        "Ridge",
        attribute("AMPOPolicy", "classes_", [0, 1, 2, 3]),
        "a policy of other observations or actions than its own",
    ),
    "a state of more features": (
        "labels that go on",
        attribute("State", "n_features", 3),
        "a policy with the state of another one",
    ),
    "a state of more actions": (
        "labels that go on",
        attribute("State", "classes", ["a", "b", "c"]),
        "a policy with the state of another one",
    ),
    "ends that are numbers": (
        "Ridge",
        attribute("Transitions", "terminated", lambda a: a.astype(int)),
        "transitions of other flags",
    ),
    "cuts that are numbers": (
        "Ridge",
        attribute("Transitions", "truncated", lambda a: a.astype(int)),
        "transitions of other flags",
    ),
    "borders that are numbers": (
        "Ridge",
        attribute("Transitions", "ends", lambda a: a.astype(int)),
        "transitions of other flags",
    ),
    "masks of more actions": (
        "masks",
        attribute("Transitions", "action_masks", lambda a: np.hstack([a, a])),
        "a Transitions whose next_action_masks has another form",
    ),
    "all masks of more actions": (
        "masks",
        both(
            attribute("Transitions", "action_masks", lambda a: np.hstack([a, a])),
            attribute("Transitions", "next_action_masks", lambda a: np.hstack([a, a])),
        ),
        "transitions of other flags",
    ),
    "actions below nothing": (
        "Ridge",
        attribute("Transitions", "actions", first(-1)),
        "transitions of other actions",
    ),
    "halves of actions": (
        "Ridge",
        attribute("Transitions", "actions", lambda a: a.astype(float)),
        "transitions of other actions",
    ),
    "transitions of more features": (
        "Ridge",
        both(
            attribute("Transitions", "observations", lambda a: np.hstack([a, a])),
            attribute("Transitions", "next_observations", lambda a: np.hstack([a, a])),
        ),
        "transitions of other observations",
    ),
    "fewer types than columns": (
        "table",
        parameter("TableColumns", "dtypes", ["int64"]),
        "a table of other columns than types",
    ),
    "a table of another library": (
        "table",
        parameter("TableColumns", "library", "os"),
        "a table of other columns than types",
    ),
    # Parts that only together are no policy.
    "weights of other features": (
        "Ridge",
        attribute("LinearScores", "weights", lambda a: a[:-1]),
        "scores whose parts do not go together: matmul",
    ),
    "a scaler without a scale": (
        "default",
        without("StandardScaler", "scale_"),
        "scores whose parts do not go together: 'StandardScaler' object has no attr",
    ),
    "half an action": (
        "multi_output",
        attribute("ColumnScores", "n_actions", 2.5),
        "scores of 2.5 actions",
    ),
    "an intercept that is no number": (
        "Ridge",
        attribute("LinearScores", "intercept", first(np.nan)),
        "finite numbers",
    ),
    "a step size that is no number": (
        "Ridge",
        attribute("MirrorPolicy", "eta", float("nan")),
        "scores whose parts do not go together: Input scores contain NaN",
    ),
    "rewards that are no numbers": (
        "Ridge",
        attribute("Transitions", "rewards", first(np.nan)),
        "transitions of numbers that are not finite",
    ),
    "episodes that never began": (
        "Ridge",
        episode_counts(0),
        "unfinished episodes that were never started",
    ),
    "features of no age": (
        "default",
        without("FittedQ", "_n_fitted"),
        "a critic with a part of what it knows of its features",
    ),
}
