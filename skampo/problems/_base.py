"""What all problems share: where the data come from, who evaluates policies."""

from functools import cached_property

from sklearn.base import clone

from skampo._history import Validation
from skampo.critics import Critic
from skampo.data._tables import numeric_pipeline
from skampo.exceptions import InvalidParameterError
from skampo.utils._validation import resolve


class Problem:
    """
    Data for the critic, the critic, and what is suggested for such data.

    Parameters
    ----------
    classes : ndarray of shape (n_actions,)
        Labels of the actions.
    n_features : int
        Number of columns of a state.
    critic : Critic
        Evaluates the policies.
    gamma : float
        Discount factor.
    feature_names : ndarray of str, default=None
        Names of the columns, where they have any.
    columns : TableColumns, default=None
        The columns of a data frame.
    """

    #: What messages call this kind of data.
    name = ""
    #: Whether no policy gets other data, so that action values may stay the same.
    is_fixed = True
    #: The default of `min_odds`.
    min_odds = 0.0
    #: The default of `average`.
    average = 0.0
    #: Letters that stand for the rows, where they are fixed.
    digest = ""
    n_steps = 0
    n_faults = 0
    episode_returns = ()
    observation_encoder = None
    action_encoder = None

    def __init__(
        self, classes, n_features, critic, gamma, feature_names=None, columns=None
    ):
        self.classes = classes
        self.n_features = n_features
        self.critic = critic
        self.gamma = gamma
        self.feature_names = feature_names
        self.columns = columns

    def gather(self, policy):
        """Data for the critic, of a policy where data depend on it."""
        raise NotImplementedError

    def model_of_numbers(self):
        """The default regressor for rows of numbers."""
        raise NotImplementedError

    def tables(self):
        """All data frames of states."""
        return ()

    def validate(self, policy, attempt=0):
        """What a policy is worth, by episodes of its own for each attempt."""
        return Validation()

    def continuation(self):
        """What another fit needs to go on with these data."""
        return {}

    def recall(self, last, memory):
        """Keep what the last fit chose once, if these are its data."""

    def close(self):
        """Close the environments, where there are any."""

    @cached_property
    def suggested(self):
        """The default regressor for the data, of policies and of critics."""
        numbers = self.model_of_numbers()
        if self.columns is None:
            return numbers
        # A table's columns may hold anything, and the regressor takes numbers only.
        is_complete = not self.columns.missing(*self.tables())
        return numeric_pipeline(self.columns, numbers, is_complete=is_complete)

    def give_table(self, regressor):
        """A regressor as it is fitted, behind a table if it needs one and has none."""
        return regressor

    def resolved_critic(self):
        """The critic with every default as an object."""
        return clone(self.critic).resolved(self.suggested)


def resolve_critic(asked, last, auto):
    """The critic to continue with, or a new one; ``"auto"`` is the one of this name."""
    # There is none that has seen other data than these.
    if last and last.critic is not None:
        return last.critic
    return resolve(asked.critic, {"auto": Critic.by_name[auto], **Critic.by_name})


def check_critic_discount(gamma, critic):
    """Require a discount where whole episodes are not summed."""
    if gamma == 1 and not critic.accepts_undiscounted:
        raise InvalidParameterError(
            f"gamma=1 needs a critic that sums whole episodes, and {critic!r} does "
            "not. Use critic='monte_carlo', or gamma < 1."
        )


def refuse_early_stopping(asked, what):
    """Require an environment for validation episodes."""
    if asked.early_stopping:
        raise InvalidParameterError(
            "early_stopping=True needs an environment to play validation episodes in, "
            f"and {what} have none. Set early_stopping=False."
        )


def refuse_targets(what, y, given):
    """Refuse columns beside data that have their own."""
    if y is not None or given:
        raise ValueError(
            f"fit(X) with {what} takes no y and no other columns. Got "
            f"{sorted(given) or 'y'}; they belong to an array of states."
        )
