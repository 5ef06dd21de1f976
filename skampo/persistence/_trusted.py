"""Which types a file may ask for, and in which role.

A role is the loader of skops that builds the object. Names that end in a dot stand for
everything below them; scikit-learn, NumPy and SciPy names are checked by skops again,
whose own list holds public estimators, scalar types and ufuncs only.
"""

__all__ = ["ROLES", "SKLEARN_INTERNALS", "is_trusted", "may_trust", "names_for_skops"]
__all__ += ["type_names"]

_SPACES = (
    "box.Box",
    "dict.Dict",
    "discrete.Discrete",
    "multi_binary.MultiBinary",
    "multi_discrete.MultiDiscrete",
    "oneof.OneOf",
    "text.Text",
    "tuple.Tuple",
)
_KERNELS = (
    "CompoundKernel",
    "ConstantKernel",
    "DotProduct",
    "ExpSineSquared",
    "Exponentiation",
    "Hyperparameter",
    "Matern",
    "Product",
    "RBF",
    "RationalQuadratic",
    "Sum",
    "WhiteKernel",
)
_SPARSE = {
    f"scipy.sparse._{form}.{form}_{kind}"
    for form in ("csc", "csr")
    for kind in ("array", "matrix")
}
# What a fitted search holds beside estimators: numbers and names alone.
_SPLITTERS = (
    "GroupKFold",
    "GroupShuffleSplit",
    "KFold",
    "LeaveOneGroupOut",
    "LeaveOneOut",
    "PredefinedSplit",
    "RepeatedKFold",
    "ShuffleSplit",
    "StratifiedKFold",
)
_METRICS = ("Chebyshev", "Euclidean", "Manhattan", "Minkowski")

#: Parts of fitted scikit-learn estimators that skops leaves to its callers. Those that
#: hold raw indices are looked into by `skampo.persistence._native`.
SKLEARN_INTERNALS = {
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._kd_tree.KDTree64",
    *(f"sklearn.metrics._dist_metrics.{name}Distance64" for name in _METRICS),
    *(f"sklearn.metrics._dist_metrics.{name}Distance" for name in _METRICS),
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.utils._bunch.Bunch",
    "sklearn.metrics._scorer._PassthroughScorer",
    *(f"sklearn.model_selection._split.{name}" for name in _SPLITTERS),
    *(f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS),
}

_ENCODERS = {
    "skampo.experience._actions.ActionEncoder",
    "skampo.experience._observations.ObservationEncoder",
}

#: The types of each role.
ROLES = {
    "BytearrayNode": {"builtins.bytearray"},
    "BytesNode": {"builtins.bytes"},
    "ConstructorFromReduceNode": {*_ENCODERS, "builtins.frozenset"},
    "DTypeNode": {"numpy.dtype"},
    "DefaultDictNode": {"collections.defaultdict"},
    "DictNode": {
        "builtins.dict",
        "collections.OrderedDict",
        "sklearn.utils._bunch.Bunch",
    },
    "FunctionNode": {"numpy.", "scipy.special."},
    "JsonNode": {"builtins.str"},
    "ListNode": {"builtins.list"},
    "LossNode": {"sklearn."},
    "MaskedArrayNode": {"numpy.ma."},
    "NdArrayNode": {"numpy."},
    "ObjectNode": {
        "skampo.",
        "sklearn.",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMRegressor",
        *(f"gymnasium.spaces.{name}" for name in _SPACES),
    },
    "PartialNode": set(),
    "RandomGeneratorNode": {"numpy.random._generator.Generator"},
    "RandomStateNode": {"numpy.random.mtrand.RandomState"},
    "SetNode": {"builtins.set"},
    "SliceNode": {"builtins.slice"},
    "SparseMatrixNode": _SPARSE,
    "TreeNode": {"sklearn.tree._tree.Tree"},
    "TupleNode": {"builtins.tuple", "skampo."},
    "TypeNode": {"builtins.", "numpy.", "collections.OrderedDict"},
}

# Objects of their own; everything else a user trusts may take one of these roles.
_ROLES_OF_USERS = {
    "ConstructorFromReduceNode",
    "DictNode",
    "FunctionNode",
    "ObjectNode",
    "PartialNode",
    "TreeNode",
    "TupleNode",
    "TypeNode",
}


def is_trusted(loader, name, trusted):
    """Whether an object of this name may be built in this role."""
    if name in trusted and may_trust(loader):
        return True
    known = ROLES.get(loader, ())
    return name in known or any(
        entry.endswith(".") and name.startswith(entry) for entry in known
    )


def may_trust(loader):
    """Whether a user can trust a type of their own in this role."""
    return loader in _ROLES_OF_USERS


def names_for_skops(names, trusted):
    """The names that skops is told to trust; its own list decides about the rest."""
    left_to_skops = ("builtins.", "numpy.", "scipy.", "sklearn.")
    # These are on no list of skops, although their prefixes are left to it.
    told = {"builtins.frozenset", "numpy.dtype"}
    told |= SKLEARN_INTERNALS | _SPARSE | trusted
    return sorted(n for n in names if n in told or not n.startswith(left_to_skops))


def type_names(trusted):
    """Dotted names of types, functions and names that a user trusts."""
    # A single name is a sequence of letters to Python.
    if isinstance(trusted, str | type):
        trusted = [trusted]
    return {
        item if isinstance(item, str) else f"{item.__module__}.{item.__qualname__}"
        for item in trusted
    }
