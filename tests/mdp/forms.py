"""Both forms in which a model can be stored."""

from scipy.sparse import csr_array

from skampo.mdp import TabularMDP


def as_rows(transition):
    """Sparse form of an array of shape (n_states, n_actions, n_states)."""
    return csr_array(transition.reshape(-1, transition.shape[2]))


FORMS = {"dense": lambda transition: transition, "sparse": as_rows}


def stored(mdp, form):
    """The same model in another form."""
    n_states, n_actions = mdp.reward.shape
    dense = mdp.transition_rows.toarray().reshape(n_states, n_actions, n_states)
    return TabularMDP(FORMS[form](dense), mdp.reward, mdp.initial_distribution)
