"""A transformer of states that can stand before a policy in a Pipeline."""

import copy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skampo.features._lending import lend, only_reads
from skampo.features._unchecked import unchecked_transform
from skampo.rollouts import Rollouts
from skampo.rollouts._factories import is_environment
from skampo.rollouts._transformed import transform_environments
from skampo.utils._callbacks import CallbackSupport, begin_fit, with_callbacks
from skampo.utils._sklearn import Documented, without_callbacks
from skampo.utils._threads import limit_threads
from skampo.utils._validation import Interval, Nothing, Provides, check_parameters


def _delegates(name):
    """Whether the transformer inside has this method."""
    return available_if(
        lambda self: hasattr(getattr(self, "transformer_", self.transformer), name)
    )


# scikit-learn wraps what `transform` returns, unless told not to: environments stay.
class EnvTransformer(  # type: ignore[call-arg]
    Documented,
    CallbackSupport,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """
    Transform the observations of environments as well as arrays of states.

    It is fitted to states that uniform actions lead to, and `transform` wraps
    environments, so that ``make_pipeline(EnvTransformer(StandardScaler()),
    AMPOPolicy())`` can be fitted to an environment and predicts for arrays.

    Parameters
    ----------
    transformer : transformer
        Any transformer of arrays; it is cloned.
    n_steps : int, default=1024
        Environment steps that are taken for the fit.
    n_envs : int, default=8
        Environments that run in lock-step meanwhile.
    max_episode_steps : int, default=None
        Episodes are cut here. None is the environment's own limit, or 1000.
    random_state : int, RandomState instance or None, default=None
        Seeds the environments and the actions.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.
    n_features_in_ : int
        Number of features of an encoded observation.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when fitted on a data frame.
    n_features_out_ : int
        Number of features of a transformed observation.

    See Also
    --------
    skampo.AMPOPolicy : Its `regressor` may be a Pipeline, which is fitted to the
        states of the policy and not to those of uniform actions.

    Notes
    -----
    Rollouts transform the observations of all environments in one call. The wrapped
    environment itself can be used anywhere; it shows an unbounded `Box`.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skampo import AMPOPolicy
    >>> from skampo.preprocessing import EnvTransformer
    >>> scaler = EnvTransformer(StandardScaler(), random_state=0)
    >>> policy = make_pipeline(scaler, AMPOPolicy(max_iter=3, random_state=0))
    >>> policy.fit("CartPole-v1").predict_proba([[0.0, 0.0, 0.0, 0.0]]).shape
    (1, 2)
    >>> policy.score("CartPole-v1") > 100
    True
    """

    _constraints = {
        "transformer": Provides("a transformer", "fit", "transform", "get_params"),
        "n_steps": Interval(int, 1),
        "n_envs": Interval(int, 1),
        "max_episode_steps": Interval(int, 1) | Nothing,
    }

    def __init__(
        self,
        transformer,
        *,
        n_steps: int = 1024,
        n_envs: int = 8,
        max_episode_steps: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.transformer = transformer
        self.n_steps = n_steps
        self.n_envs = n_envs
        self.max_episode_steps = max_episode_steps
        self.random_state = random_state

    @with_callbacks
    @limit_threads()
    def fit(self, X, y=None) -> Self:
        """
        Fit the transformer to states.

        Parameters
        ----------
        X : environment, list of environments or array-like of shape (n, n_features)
            Where uniform actions are played, or states.
        y : array-like of shape (n,), default=None
            Labels, for a transformer that is fitted with them.

        Returns
        -------
        EnvTransformer
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        """
        check_parameters(self, self._constraints)
        context = begin_fit(self)
        # Callbacks call what is callable, and a function that makes environments is.
        context.call_on_fit_task_begin(estimator=self, X=lambda: X, y=y)
        states = X
        if is_environment(X):
            states = self._roll_out(X)
            # `validate_data`, which forgets the names of an earlier fit, is left out.
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = states.shape[1]
        else:
            # Only names and width are noted: the transformer checks the values.
            validate_data(self, X, skip_check_array=True)
        self.transformer_ = clone(self.transformer).fit(
            lend(self.transformer, states), lend(self.transformer, y)
        )
        # Not every transformer has `get_feature_names_out` to count.
        lent = lend(self.transformer_, states)
        self.n_features_out_ = self.transformer_.transform(lent).shape[1]
        context.call_on_fit_task_end(estimator=self, X=lambda: X, y=y)
        return self

    @limit_threads()
    def transform(self, X) -> Any:
        """
        Transform states, or wrap environments so that they show transformed ones.

        Parameters
        ----------
        X : environment, list of environments or array-like of shape (n, n_features)
            What to transform. A live environment is wrapped; of an id, a spec, a
            function or a task a function is made that makes a wrapped environment.

        Returns
        -------
        environment, list of environments or array of shape (n, n_features_out)
            The same kind of thing, transformed. Environments whose encoded
            observations have another number of features raise a ValueError when they
            are reset.
        """
        check_is_fitted(self)
        if is_environment(X):
            # A copy stays as it is when this one is fitted again.
            fitted = without_callbacks(copy.copy(self))
            return transform_environments(X, fitted, self.n_features_out_)
        return self.transformer_.transform(lend(self.transformer_, X))

    def set_output(self, *, transform: str | None = None) -> Self:
        """
        Choose the container of transformed arrays; environments stay environments.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container. None changes nothing.

        Returns
        -------
        EnvTransformer
            The estimator itself; it is the transformer inside that is configured.
        """
        # Also the unfitted one, of which clones and later fits are made.
        parts = [self.transformer, getattr(self, "transformer_", self.transformer)]
        for part in parts:
            if not hasattr(part, "set_output"):
                raise ValueError(
                    f"The transformer {part!r} has no set_output, so EnvTransformer "
                    "cannot choose the container of its output."
                )
            part.set_output(transform=transform)
        return self

    @_delegates("get_feature_names_out")
    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """
        Return the names of the transformed features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features before.

        Returns
        -------
        ndarray of str
            The names that the transformer inside gives.
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    @_delegates("inverse_transform")
    def inverse_transform(self, X) -> np.ndarray:
        """
        Transform arrays back.

        Parameters
        ----------
        X : array-like of shape (n, n_features_out)
            Transformed states.

        Returns
        -------
        array of shape (n, n_features)
            States.
        """
        check_is_fitted(self)
        return self.transformer_.inverse_transform(X)

    def _roll_out(self, X):
        """States that uniform actions lead to."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with Rollouts(
            X,
            n_envs=self.n_envs,
            steps_per_iter=self.n_steps,
            max_episode_steps=self.max_episode_steps,
            seed=seed,
        ) as experience:
            uniform = Uniform(experience.action_encoder.n_actions)
            return experience.gather(uniform).observations

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags = inner.input_tags
        tags.target_tags.required = inner.target_tags.required
        tags.non_deterministic = inner.non_deterministic
        return tags


@only_reads.register
def _(transformer: EnvTransformer):
    # The transformer inside is lent its rows.
    return type(transformer) is EnvTransformer


@unchecked_transform.register
def _(transformer: EnvTransformer):
    transform = unchecked_transform(transformer.transformer_)
    width = transformer.n_features_in_

    def rows(X):
        # Plain arithmetic would spread a single number over all features.
        if X.shape[1] != width:
            raise ValueError(
                f"EnvTransformer was fitted to observations of {width} features, and "
                f"those of this environment have {X.shape[1]}. Fit it to environments "
                "of the same kind."
            )
        return transform(X)

    return rows


class Uniform:
    """The policy that gives all actions the same probability."""

    def __init__(self, n_actions):
        self.n_actions = n_actions

    def proba(self, observations, action_mask=None):
        """The same number everywhere; forbidden actions are left out later."""
        return np.full((len(observations), self.n_actions), 1 / self.n_actions)
