"""The table of everything that a file can hold; what is not in it has no stored form.

After the name of a module come its classes, and after each of them its fitted
attributes with their forms: letters, one for each axis of an array of numbers, which
stand for the same length wherever they come in the object (p is its number of features,
a digit that digit); ``#`` for a number, and nothing for any single value; ``*`` for
data of any form; ``()`` for objects of this table that are called, and ``@`` for any of
them, followed by the names of those that are meant if not all are. ``|`` stands between
alternatives, and ``!`` for what is left out and made anew. None is in place of all but
``#`` and ``()``; where it can be, ``()`` is followed by ``?``.

Modules are imported by what this file says, never by what is in another one.
"""

import importlib
import inspect
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from skampo.utils._fitted import BUILT, REMADE, TAKEN
from skampo.utils._forms import fits, flat
from skampo.utils._lightgbm import WORDS, counts_cores, is_word
from skampo.utils._nodes import unsaveable
from skampo.utils._sklearn import OF_CALLBACKS

# Made of their parameters; what was fitted has attributes as well.
_ESTIMATORS = """
skampo._ampo AMPOPolicy classes_:* _columns:@TableColumns n_iter_: n_steps_:
  _observation_encoder:@ObservationEncoder _action_encoder:@ActionEncoder
  _policy:@MirrorPolicy _q:()? critic_:@ best_iteration_: history_:* _state:@State
  n_validation_steps_: interrupted_: resolved_params_:@ mirror_map_:! min_odds_:!
  regressor_:! step_size_:!
skampo.bandits LinearBandit classes_:* _columns:@TableColumns n_steps_:
  _policy:@ExploringPolicy
skampo.critics Exact q_:@TableValues FittedQ q_:() n_sweeps_: transformer_:@ _unfitted:@
  _n_fitted: _n_uses: regressor_:@ trace_decay_: LSTDQ q_:()
  transformer_:@ _unfitted:@ _n_fitted: _n_uses: LambdaReturn
  q_:@AdvantageValues value_:@ColumnScores MonteCarlo q_:@ScaledValues Pessimistic
  critic_:@ _origin:# classifier_:! copies_: copied_share_: draws_:
  sharpening_gain_:* RewardModel q_:() regressor_:@
skampo.critics._full_information FullInformation
skampo.data._tables TableColumns
skampo.distill TreePolicy classes_:* n_iter_: _policy:@MirrorPolicy _q:()?
  _observation_encoder:@ObservationEncoder _action_encoder:@ActionEncoder history_:*
  tree_:@DecisionTreeClassifier n_leaves_: agreement_: return_:@ReturnEstimate
skampo.encodings Auto Compatible CompatibleJoint DualAveraging Joint MultiOutput
  PerAction
skampo.mirror_maps Euclidean HyperbolicEntropy HyperbolicTangent NegativeEntropy Tsallis
skampo.preprocessing EnvTransformer transformer_:@ n_features_out_:
skampo.regressors LeastSquares coef_:p|kp intercept_:|k PooledRidge coef_:p|kp
  intercept_:|k solver_: NystroemFeatures gamma_: landmarks_:mp normalization_:mk
skampo.regressors._multiscale MultiscaleNystroem parts_:@NystroemFeatures
skampo.step_sizes Adaptive Constant Geometric Greedy Normalized TrustRegion
lightgbm.sklearn LGBMClassifier LGBMRegressor _Booster:@Booster _evals_result:!
  _best_score:! _objective: _best_iteration: _fitted_with_feature_names: _n_features:
  _n_features_in: fitted_:
sklearn.compose ColumnTransformer _columns:* _transformer_to_input_indices:*
  _remainder:@ sparse_output_: transformers_:@ output_indices_:*
  _name_to_fitted_passthrough:@ TransformedTargetRegressor _training_dim: transformer_:@
  regressor_:@
sklearn.decomposition PCA components_:kp mean_:p explained_variance_:k n_components_:
  explained_variance_ratio_:k singular_values_:k n_samples_: noise_variance_:
  _fit_svd_solver:
sklearn.dummy DummyClassifier DummyRegressor n_outputs_: constant_:1k
sklearn.ensemble AdaBoostRegressor estimator_:@ estimators_:@ estimator_weights_:m
  estimator_errors_:m BaggingRegressor estimator_:@ estimators_:@ estimators_features_:*
  _n_samples: _max_samples: _max_features: _sample_weight:! _seeds:m
  ExtraTreesClassifier ExtraTreesRegressor estimator_:@ExtraTreeRegressor n_outputs_:
  estimators_:@ExtraTreeRegressor _n_samples: _n_samples_bootstrap: _sample_weight:!
  GradientBoostingClassifier GradientBoostingRegressor n_trees_per_iteration_:
  max_features_: n_estimators_: _loss:! _rng:! init_:@DummyRegressor|
  estimators_:@DecisionTreeRegressor train_score_:n oob_improvement_:n oob_scores_:n
  oob_score_: HistGradientBoostingClassifier HistGradientBoostingRegressor
  is_categorical_: _preprocessor: _is_categorical_remapped: n_trees_per_iteration_:
  _random_seed: _n_features: _loss:! _feature_subsample_rng:! do_early_stopping_:
  _use_validation_data: _scorer:! _bin_mapper:! _baseline_prediction:11
  _predictors:@TreePredictor train_score_:n validation_score_:m RandomForestClassifier
  RandomForestRegressor estimator_:@DecisionTreeRegressor n_outputs_:
  estimators_:@DecisionTreeRegressor _n_samples: _n_samples_bootstrap: _sample_weight:!
  StackingRegressor estimators_:@ final_estimator_:@ stack_method_:* _n_feature_outs:*
  named_estimators_:! VotingRegressor estimators_:@ named_estimators_:!
sklearn.gaussian_process GaussianProcessRegressor kernel_:@ _rng:! X_train_:np
  y_train_:n|nk L_:nn alpha_:n|nk _y_train_mean:|k _y_train_std:|k
  log_marginal_likelihood_value_:
sklearn.gaussian_process.kernels ConstantKernel DotProduct ExpSineSquared Matern Product
  RBF RationalQuadratic Sum WhiteKernel
sklearn.impute MissingIndicator features_:k _n_features: _precomputed: SimpleImputer
  _fit_dtype:* _fill_dtype:* indicator_:@MissingIndicator| statistics_:*
sklearn.kernel_approximation Nystroem components_:mp normalization_:mm
  component_indices_:m _n_features_out: RBFSampler _gamma: random_weights_:pk
  random_offset_:k _n_features_out:
sklearn.kernel_ridge KernelRidge dual_coef_:n|nk X_fit_:np
sklearn.linear_model BayesianRidge coef_:p intercept_: alpha_: lambda_: sigma_:pp
  X_offset_:p X_scale_:p scores_:* ElasticNet coef_:p|kp intercept_:|k dual_gap_:|k
  HuberRegressor coef_:p intercept_: scale_: outliers_:n Lasso coef_:p|kp intercept_:|k
  dual_gap_:|k l1_ratio: LassoCV coef_:p intercept_: dual_gap_: alpha_: alphas_:*
  mse_path_:* LinearRegression coef_:p|kp intercept_:|k rank_: singular_:*
  LogisticRegression LogisticRegressionCV Ridge coef_:p|kp intercept_:|k solver_:
  RidgeCV coef_:p|kp intercept_:|k alpha_:|k best_score_:|k SGDRegressor coef_:p
  intercept_:1 t_: _standard_coef:p _average_coef:p _standard_intercept:1
  _average_intercept:1
sklearn.neighbors KNeighborsClassifier KNeighborsRegressor _fit_X:np _y:n|nk
  effective_metric_params_:! effective_metric_:! _fit_method:! n_samples_fit_:! _tree:!
  RadiusNeighborsRegressor _fit_X:np _y:n|nk effective_metric_params_:!
  effective_metric_:! _fit_method:! n_samples_fit_:! _tree:!
sklearn.neural_network MLPClassifier MLPRegressor n_outputs_: t_: n_layers_:
  out_activation_: coefs_:* intercepts_:* loss_curve_:* _no_improvement_count:
  best_loss_: loss_: validation_scores_:* best_validation_score_:
  _optimizer:@AdamOptimizer,SGDOptimizer _best_coefs:* _best_intercepts:*
  _random_state:! _coef_indptr:! _intercept_indptr:!
sklearn.pipeline FeatureUnion Pipeline
sklearn.preprocessing FunctionTransformer KBinsDiscretizer bin_edges_:* n_bins_:p
  _encoder:@OneHotEncoder MaxAbsScaler n_samples_seen_:|p max_abs_:p scale_:p
  MinMaxScaler n_samples_seen_:|p scale_:p min_:p data_min_:p data_max_:p data_range_:p
  OneHotEncoder categories_:* _n_features_outs:! drop_idx_: _infrequent_enabled:
  _drop_idx_after_grouping: OrdinalEncoder categories_:* _infrequent_enabled:
  _missing_indices:* PolynomialFeatures _min_degree:! _max_degree:! _n_out_full:!
  n_output_features_:! PowerTransformer lambdas_:p _scaler:@StandardScaler
  QuantileTransformer n_quantiles_: references_:q quantiles_:qp RobustScaler center_:p|
  scale_:p| SplineTransformer bsplines_:* n_features_out_: StandardScaler
  n_samples_seen_:|p mean_:p| var_:p| scale_:p|
sklearn.svm SVC SVR _sparse: _gamma: support_:m support_vectors_:mp _n_support:2
  dual_coef_:1m intercept_:1 _probA:0 _probB:0 fit_status_: _num_iter:1 shape_fit_:*
  _intercept_:1 _dual_coef_:1m _effective_probability:
sklearn.tree DecisionTreeClassifier classes_:* n_classes_: n_outputs_: max_features_:
  tree_:@Tree DecisionTreeRegressor n_outputs_: max_features_:
  tree_:@Tree ExtraTreeRegressor n_outputs_: max_features_: tree_:@Tree
"""
# Made of their attributes alone, by a function of `_fitted` or as they are.
_RECORDS = """
lightgbm.basic Booster header:* names:* trees:*
skampo.bandits._exploration ExploringPolicy f:() exploration: width:#
  min_proba:#
skampo.bandits._posterior Posterior grams:kaa moments:ka square:# origin:b alpha:#
  standardizes:
skampo.distill._tree_policy ReturnEstimate mean:# low:# high:# confidence:# n_episodes:
skampo.distill._scores TreeScores model:@DecisionTreeClassifier columns:m n_actions:#
skampo.encodings._scores ColumnScores model:@ n_actions:# scale:# JointScores model:@
  n_actions:# scale:# Scores models:@ scale:#
skampo.encodings._compatible CompatibleScores theta:mk eta:# model:@
skampo.encodings._compatible_joint PairScores features:@Pipeline theta_of_pairs:k
  eta:# n_actions:# model:@ name:
skampo.encodings._dual_averaging SumScores lengths:k parts:@
skampo.features._split FeatureScores transformer:@ scores:() name: LinearScores
  weights:mk intercept:k ScaledScores scores:() factor:#
skampo._history BestIterate first: best: iterate:@Iterate waited:# Iterate
  policy:@MirrorPolicy q:()? iteration:#
skampo._policy MirrorPolicy f:() eta:# min_odds:#
  mirror_map:@Euclidean,HyperbolicEntropy,HyperbolicTangent,NegativeEntropy,Tsallis
skampo._state FirstStep digest: f:() State problem: classes:*
  n_features:# parts:* kept:@Iterate critic:@ history:*
  best:@BestIterate n_validation_steps:# rollouts:@ first:@FirstStep
  window:@Iterate mean:@MirrorPolicy settled:
skampo.critics._exact TableValues q_values:mk
skampo.critics._lambda_return AdvantageValues value:() advantage:() unit:#
skampo.critics._monte_carlo ScaledValues scores:() unit:#
skampo.critics._pessimistic ShiftedValues q:() origin:#
skampo.critics._replay ClippedValues scores:() unit:# low:# high:#
skampo.critics._sweeps DuelingScores shared:@ shared_unit:# added:() added_unit:#
skampo.data Transitions
  observations:np actions:n rewards:n next_observations:np terminated:n truncated:n
  ends:n behavior_proba:n action_masks:nk next_action_masks:nk sample_weight:n
skampo.rollouts._actions ActionEncoder space:*
skampo.rollouts._observations ObservationEncoder space:*
sklearn.ensemble._hist_gradient_boosting.predictor TreePredictor nodes:nk
sklearn.neural_network._stochastic_optimizers AdamOptimizer learning_rate_init:
  learning_rate: beta_1: beta_2: epsilon: t: ms:* vs:* SGDOptimizer learning_rate_init:
  learning_rate: lr_schedule: momentum: nesterov: power_t: velocities:*
sklearn.tree._tree Tree n_features: nodes:nk values:nab
"""
_COMMON = {"n_features_in_": "", "feature_names_in_": "*", "n_iter_": "*"}
_COMMON |= {"_sklearn_output_config": "*", "oob_score_": "", "oob_prediction_": "n|nk"}
# Work and memory that a few letters ask for, in parameters that numbers can be.
_LARGEST = {"n_estimators": 10_000, "num_leaves": 10_000, "max_bin": 65_535}
_LARGEST |= {"degree": 100, "hidden_layer_sizes": 4096, "n_components": 10_000}
_LARGEST |= {"max_iter": 10**6, "n_restarts_optimizer": 1000, "n_features_out_": 10**6}
_LARGEST |= {"_n_features_out": 10**6, "_n_samples": 10**8, "_max_samples": 10**8}
_LARGEST |= {"n_envs": 4096, "random_state": 2**32 - 1, "n_knots": 1000}
_LARGEST_NUMBER, _MOST_FEATURES = 10**7, 10**6
# Parts with names, by how many values each of them is.
_LISTS = {"steps": 2, "transformer_list": 2, "estimators": 2, "transformers": 3}
# They say how the machine of whoever fits is used, and come from nobody else's file.
_RESET = {"memory": (None,), "n_jobs": (None, 1)}


_SEEDS, _SEARCHES = ("Generator", "RandomState"), ("GridSearchCV", "RandomizedSearchCV")
_HINTS = dict.fromkeys(_SEARCHES, "Save its best_estimator_")
_HINTS |= dict.fromkeys(_SEEDS, "Its state is in no file: give an int")


@dataclass
class Kind:
    """Where a class is, whether it has parameters, and the forms of its attributes."""

    module: str
    has_parameters: bool
    forms: dict = field(default_factory=dict)

    def load(self, name):
        """The class; optional packages are imported here."""
        return getattr(importlib.import_module(self.module), name)

    def is_of(self, found):
        """Whether it is of this very class."""
        package = self.module.partition(".")[0]
        return (
            found.__module__.startswith(package) and self.load(found.__name__) is found
        )

    def keeps(self, key):
        """Whether an attribute is in files."""
        return self.forms.get(key, "!") != "!"


def _parse(text, has_parameters):
    kinds, module, kind = {}, None, None
    for token in text.split():
        name, colon, form = token.partition(":")
        if colon:
            kind.forms[name] = form
        elif "." in token:
            module = token
        else:
            kind = kinds[token] = Kind(module, has_parameters)
            kind.forms |= _COMMON if has_parameters else {}
    return kinds


_KINDS = _parse(_ESTIMATORS, True) | _parse(_RECORDS, False)


def take_apart(value, where):
    """The name of an object in the table, its parameters and its fitted attributes."""
    name, found = type(value).__name__, type(value)
    kind = _KINDS.get(name)
    # A class of the same name, or one derived from it, may do anything.
    if kind is None or not kind.is_of(found):
        what = (
            f"{value!r:.60}" if inspect.isroutine(value) else f"a {found.__qualname__}"
        )
        raise unsaveable(where, f"{what} of {found.__module__}", _HINTS.get(name))
    if not kind.has_parameters:
        try:
            return name, {}, _take(value, name)
        except (TypeError, ValueError) as error:
            raise unsaveable(where, str(error)) from error
    parameters = value.get_params(deep=False)
    for key, allowed in _RESET.items():
        if key in parameters and parameters[key] not in allowed:
            parameters[key] = None
    if counts_cores(value, parameters.get("n_jobs")):
        parameters["n_jobs"] = 1
    return name, parameters, _take_state(value, kind, parameters, where)


def _take(value, name):
    if name in TAKEN:
        return TAKEN[name](value)
    return value._to_data() if hasattr(value, "_to_data") else vars(value)


def _take_state(value, kind, parameters, where):
    """The fitted attributes; one that is not in the table could be what predicts."""
    made = vars(type(value)(**parameters))
    state = _take(value, type(value).__name__)
    others = state.keys() - parameters.keys() - kind.forms.keys()
    for key in sorted(others - made.keys() - OF_CALLBACKS):
        raise unsaveable(f"{where}.{key}", "an attribute that is in no file")
    kept = sorted(key for key in state.keys() - parameters.keys() if kind.keeps(key))
    return {
        key: state[key] for key in kept if not _is_same(state[key], made.get(key, {}))
    }


def _is_same(value, other):
    """Whether a value is what the constructor sets."""
    is_scalar = value is None or isinstance(value, bool | int | float | str)
    return is_scalar and type(value) is type(other) and value == other


def put_together(name, parameters, state):
    """The object of this name in the table, after its parts were looked at."""
    if type(name) is not str or name not in _KINDS:
        raise ValueError(f"an object of {name!r:.60}, which files do not hold")
    kind = _KINDS[name]
    cls = kind.load(name)
    for key, value in parameters.items():
        _check_parameter(name, key, value)
    _check_state(name, kind, state)
    if not kind.has_parameters and (parameters or state.keys() != kind.forms.keys()):
        raise ValueError(f"a {name} of other parts")
    if name in BUILT:
        return BUILT[name](**state)
    if hasattr(cls, "_from_data"):
        return cls._from_data(**state)
    value = cls(**parameters) if kind.has_parameters else cls.__new__(cls)
    vars(value).update(state)
    # Where its output goes is chosen before anything is fitted.
    if name in REMADE and state.keys() - {"_sklearn_output_config"}:
        REMADE[name](value)
    if hasattr(value, "_check_loaded"):
        value._check_loaded()
    return value


def _check_parameter(name, key, value):
    """Refuse names that the class does not have, and numbers beyond all use."""
    is_text = name.startswith("LGBM") and not is_word(value)
    if key not in _parameter_names(name) or is_text:
        raise ValueError(f"a {name} with {key}={value!r:.60}, which files do not hold")
    if key in _RESET and value not in _RESET[key]:
        raise ValueError(f"a {name} with {key}={value!r:.60}")
    if key in _LISTS and not _is_list_of(value, _LISTS[key]):
        raise ValueError(f"a {name} whose {key} are no names and parts")
    if key == "random_state" and isinstance(value, int) and value < 0:
        raise ValueError(f"a {name} with {key}={value!r:.60}, less than 0")
    _check_size(name, key, value, _LARGEST.get(key, _LARGEST_NUMBER))


def _is_list_of(value, length):
    """Whether it is a list of names with what they stand for."""
    is_list = isinstance(value, list | tuple)
    return is_list and all(
        isinstance(part, list | tuple)
        and len(part) == length
        and isinstance(part[0], str)
        for part in value
    )


def _check_size(name, key, value, largest):
    for part in flat(value):
        if isinstance(part, int | np.integer) and abs(int(part)) > largest:
            raise ValueError(
                f"a {name} with {key}={value!r:.60}, more than {largest:,}"
            )


@cache
def _parameter_names(name):
    make = _KINDS[name].load(name).__init__
    is_own = inspect.isfunction(make)
    names = {*inspect.signature(make).parameters} if is_own else set()
    names -= {"self", "kwargs"}
    return names | set(WORDS) if name.startswith("LGBM") else names


def _check_state(name, kind, state):
    """Refuse other attributes than those of the table, and other forms."""
    sizes = {}
    if "n_features_in_" in state:
        sizes["p"] = state["n_features_in_"]
        if (
            type(sizes["p"]) not in (int, np.int64)
            or not 0 <= sizes["p"] <= _MOST_FEATURES
        ):
            raise ValueError(f"a {name} of {sizes['p']!r:.60} features")
    for key, value in state.items():
        if not kind.keeps(key):
            raise ValueError(f"a {name} with the attribute {key!r:.60}")
        if key in _LARGEST:
            _check_size(name, key, value, _LARGEST[key])
        forms = kind.forms[key].split("|")
        is_left_out = value is None and forms[0] not in ("#", "()")
        if not is_left_out and not any(fits(value, form, sizes) for form in forms):
            raise ValueError(f"a {name} whose {key} has another form")
