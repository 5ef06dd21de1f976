"""Trees that were loaded are as deep as they were, and no path in them is endless."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.tree import DecisionTreeRegressor

from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from tests.persistence.crafting import load_edited
from tests.persistence.edits import attribute

X = np.random.default_rng(0).normal(size=(40, 2))
DEEPEST = 5000


def edited(tree, path, **changes):
    """Save a tree, change its arrays, and load it."""
    save(tree, path)
    edits = [attribute("Tree", name, change) for name, change in changes.items()]
    return load_edited(path, path.read_bytes(), *edits)


def sides(is_left):
    """Targets whose tree grows to one side."""
    order = np.argsort(X[:, 0])
    y = np.empty(len(X))
    y[order] = 2.0 ** np.arange(len(X))
    return 1 / y if is_left else y


@pytest.mark.parametrize("y", [sides(True), sides(False), np.zeros(len(X)), X[:, 1]])
def test_paths_are_as_long_as_they_were(y, tmp_path):
    tree = DecisionTreeRegressor(random_state=0).fit(X, y)
    loaded = edited(tree, tmp_path / "tree")
    assert loaded.get_depth() == tree.get_depth()
    path, expected = loaded.decision_path(X), tree.decision_path(X)
    assert_array_equal(path.toarray(), expected.toarray())


def chain(depth):
    """A function from the nodes of a tree to those of a tree of this depth."""
    inner = 2 * np.arange(depth)

    def change(nodes):
        made = np.repeat(nodes[-1:], 2 * depth + 1, axis=0)
        made[inner] = nodes[0]
        made[inner, 0], made[inner, 1] = inner + 1, inner + 2
        return made

    return change


def test_paths_are_not_longer_than_compiled_code_can_take(tmp_path):
    tree = DecisionTreeRegressor(max_depth=1).fit(X, X[:, 1])
    for depth in (DEEPEST, DEEPEST + 1):
        changes = {
            "nodes": chain(depth),
            "values": lambda a, n=2 * depth + 1: np.resize(a, (n, 1, 1)),
        }
        if depth == DEEPEST:
            loaded = edited(tree, tmp_path / "tree", **changes)
            assert loaded.get_depth() == DEEPEST
        else:
            with pytest.raises(SkampoFileError, match=r"more than 5,000 levels deep"):
                edited(tree, tmp_path / "tree", **changes)


def unreachable(nodes):
    """A root without children, whose children are those of a node below them."""
    nodes = nodes.copy()
    nodes[-1, :4] = nodes[0, :4]
    nodes[0, :2] = -1
    return nodes


def own_child(nodes):
    """A root without children, and a node that is its own child."""
    nodes = nodes.copy()
    nodes[1, :4] = nodes[0, :4]
    nodes[0, :2] = -1
    return nodes


@pytest.mark.parametrize("change", [unreachable, own_child])
def test_a_cycle_that_nothing_leads_to(change, tmp_path):
    tree = DecisionTreeRegressor(max_depth=1).fit(X, X[:, 1])
    with pytest.raises(SkampoFileError, match="nodes do not fit together"):
        edited(tree, tmp_path / "tree", nodes=change)
