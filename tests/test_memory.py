"""Features are computed for rows that are new, and found again for the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, issparse

from skampo import AMPOPolicy
from skampo.critics._base import CriticSetting
from skampo.features._memory import FeatureMemory, find_rows
from skampo.regressors import NystroemFeatures

X = np.random.default_rng(0).normal(size=(30, 3))


class Recorder:
    """Doubles its input and remembers it."""

    def __init__(self, kind=np.asarray):
        self.kind = kind
        self.seen = []

    def transform(self, X):
        self.seen.append(np.array(X))
        return self.kind(2 * X)


class TestFindRows:
    @given(
        arrays(float, st.tuples(st.integers(1, 8), st.just(2)), elements=st.just(1.0)),
        st.integers(0, 10_000),
    )
    def test_any_tables(self, known, seed):
        rng = np.random.default_rng(seed)
        known = rng.integers(0, 3, size=known.shape).astype(float)
        rows = rng.integers(0, 3, size=(6, 2)).astype(float)
        for row, place in zip(rows, find_rows(known, rows), strict=True):
            if place < 0:
                assert not (known == row).all(axis=1).any()
            else:
                assert_array_equal(known[place], row)

    def test_rows_that_differ_in_the_last_bit(self):
        known = np.array([[1.0, 2.0]])
        assert find_rows(known, np.nextafter(known, 3.0)) == [-1]

    def test_colliding_keys_are_not_equal_rows(self, monkeypatch):
        monkeypatch.setattr(
            "skampo.features._memory._keys",
            lambda rows: np.zeros(len(rows), dtype=np.uint64),
        )
        found = find_rows(X[:2], X[:3])
        assert found[0] == 0
        assert_array_equal(found[1:], -1)


class TestMemory:
    def views(self, *batches, kind=np.asarray):
        memory, recorder = FeatureMemory(), Recorder(kind)
        for batch in batches:
            view = memory.view(batch)
            found = view.features(recorder)
            view.forget()
        return recorder, found

    def test_only_new_rows_are_computed(self):
        recorder, found = self.views(X[:20], X[5:30])
        assert_array_equal(found, 2 * X[5:30])
        assert_array_equal(recorder.seen[1], X[20:30])

    def test_rows_in_any_order(self):
        rows = np.random.default_rng(1).permutation(30)
        recorder, found = self.views(X[:20], X[rows])
        assert_array_equal(found, 2 * X[rows])
        assert len(recorder.seen[1]) == 10

    def test_nothing_new(self):
        recorder, found = self.views(X, X[::2])
        assert_array_equal(found, 2 * X[::2])
        assert len(recorder.seen) == 1

    def test_only_the_last_batch_is_remembered(self):
        recorder, _ = self.views(X[:10], X[10:20], X[:10])
        assert len(recorder.seen) == 3

    def test_another_transformer(self):
        memory, first, second = FeatureMemory(), Recorder(), Recorder()
        memory.view(X).features(first)
        memory.view(X).features(second)
        assert len(second.seen[0]) == 30

    def test_sparse_features_are_computed_again(self):
        _, found = self.views(X[:20], X[5:30], kind=csr_array)
        assert issparse(found)
        assert_array_equal(found.toarray(), 2 * X[5:30])

    def test_what_was_found_is_not_written_to(self):
        memory, recorder = FeatureMemory(), Recorder()
        first = memory.view(X).features(recorder)
        memory.view(X).features(recorder)[:] = 0
        assert_array_equal(first, 2 * X)

    def test_one_before_the_last_is_let_go(self):
        memory = FeatureMemory()
        first = memory.view(X)
        first.features(Recorder())
        second = memory.view(X)
        second.forget()
        assert second.before is None


def test_settings_do_not_share_a_memory():
    settings = [CriticSetting(2, 0.9, None, None, None) for _ in range(2)]
    assert settings[0].memory is not settings[1].memory


@pytest.fixture
def counted(monkeypatch):
    """Number of rows of each call of `NystroemFeatures.transform`."""
    n_rows = []
    original = NystroemFeatures.transform

    def transform(self, X):
        n_rows.append(len(X))
        return original(self, X)

    monkeypatch.setattr(NystroemFeatures, "transform", transform)
    return n_rows


def test_a_fit_computes_features_of_few_rows(counted):
    policy = AMPOPolicy(max_iter=12, steps_per_iter=64, random_state=0)
    policy.fit("CartPole-v1")
    stored = 64 * np.arange(1, 13)
    # Two tables of features per iteration would be twice all that is stored.
    assert sum(counted) < 0.8 * stored.sum()
    assert not any("Memory" in type(value).__name__ for value in vars(policy).values())


def test_what_belongs_to_the_same_arrays_is_made_once():
    memory, made = FeatureMemory(), []

    def make():
        made.append(len(made))
        return made[-1]

    data, other = (X, X[:5]), (X, X[:5])
    found = [memory.once(d, "key", make) for d in (data, data, other, data)]
    assert found == [0, 0, 1, 2]
    assert memory.once(data, "another", make) == 3
