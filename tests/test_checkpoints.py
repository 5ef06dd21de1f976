"""Checkpoints: what they write, and what they survive."""

import re
import shutil

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.callback import ProgressBar
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from skampo import AMPOPolicy, load
from skampo.callbacks import Checkpoint
from skampo.exceptions import InvalidParameterError, RolloutError, SkampoFileError
from tests.scripted import Fuse, FusedEnv, RewardingEnv
from tests.test_callbacks import SMALL, STATES, TASKS, Log, make_policy


def test_checkpoints(tmp_path):
    path = tmp_path / "policy-{iteration:02d}.skampo"
    policy = make_policy(Checkpoint(path), ProgressBar(), Log()).fit(RewardingEnv)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [
        f"policy-{n:02d}.skampo" for n in (1, 2, 3)
    ]
    for n_iter, file in enumerate(files, start=1):
        loaded = load(file)
        assert loaded.n_iter_ == n_iter
        assert not [name for name in vars(loaded) if "callback" in name]
        expected = make_policy(max_iter=n_iter).fit(RewardingEnv)
        assert_array_equal(loaded.predict_proba(STATES), expected.predict_proba(STATES))
    assert "_skl_callbacks" in vars(policy)


@pytest.mark.parametrize(
    ("every", "written"), [(1, [1, 2, 3]), (2, [2, 3]), (3, [3]), (5, [3])]
)
def test_the_last_iteration_is_always_written(every, written):
    saved = []
    save = lambda policy, path: saved.append(policy.n_iter_)
    make_policy(Checkpoint("policy", every=every, save=save)).fit(RewardingEnv)
    assert saved == written


def test_going_on_from_a_checkpoint(tmp_path):
    path = tmp_path / "policy-{iteration}.skampo"
    make_policy(Checkpoint(path), warm_start=True, max_iter=2).fit(RewardingEnv)
    loaded = load(tmp_path / "policy-1.skampo").set_params(max_iter=1)
    assert loaded.fit(RewardingEnv).n_iter_ == 2


def test_what_cannot_be_saved_is_refused_before_anything_is_learned(tmp_path):
    path = tmp_path / "policy.skampo"
    path.write_text("the last one")
    regressor = TransformedTargetRegressor(Ridge(), func=lambda y: y)
    regressor.set_params(inverse_func=lambda y: y, check_inverse=False)
    policy = AMPOPolicy(regressor, **SMALL).set_callbacks(Checkpoint(path))
    with pytest.raises(SkampoFileError, match="AMPOPolicy cannot be saved"):
        policy.fit(RewardingEnv)
    assert [file.name for file in tmp_path.iterdir()] == ["policy.skampo"]
    assert path.read_text() == "the last one"
    assert policy.n_iter_ == 0


@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_checkpoint_after_ctrl_c(every, tmp_path):
    path = tmp_path / "policy.skampo"
    policy = make_policy(Checkpoint(path, every=every), max_iter=6)
    fuse = Fuse(150)
    with pytest.raises(KeyboardInterrupt):
        policy.fit(lambda: FusedEnv(fuse))
    loaded = load(path)
    assert loaded.n_iter_ == policy.n_iter_ == 3
    assert_array_equal(loaded.predict_proba(STATES), policy.predict_proba(STATES))


def test_a_checkpoint_after_an_error(tmp_path):
    path = tmp_path / "policy.skampo"
    policy = make_policy(Checkpoint(path, every=5), max_iter=6)
    fuse = Fuse(150, RuntimeError("lost connection"))
    with pytest.raises(RolloutError, match="keeps the policy of the 3 finished"):
        policy.fit(lambda: FusedEnv(fuse))
    assert load(path).n_iter_ == 3


def test_ctrl_c_while_a_checkpoint_is_written():
    written, left = [], [KeyboardInterrupt]

    def save(policy, path):
        if left:
            raise left.pop()
        written.append(policy.n_iter_)

    with pytest.raises(KeyboardInterrupt):
        make_policy(Checkpoint("policy", save=save)).fit(RewardingEnv)
    assert written == [1]


def test_without_a_finished_iteration_nothing_is_written(tmp_path):
    policy = make_policy().fit(RewardingEnv)
    path = tmp_path / "policy.skampo"
    fuse = Fuse(10)
    with pytest.raises(KeyboardInterrupt):
        policy.set_callbacks(Checkpoint(path)).fit(lambda: FusedEnv(fuse))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_costs_files_and_not_the_fit():
    written, full = [], iter([False, True, True, False])

    def save(policy, path):
        if next(full):
            raise OSError(28, "No space left on device")
        written.append(policy.n_iter_)

    callback = Checkpoint("policy-{iteration}", save=save)
    policy = make_policy(callback, max_iter=4)
    with pytest.warns(
        UserWarning, match="could not write 'policy-2'.*No space"
    ) as seen:
        policy.fit(RewardingEnv)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert written == [1, 4]
    assert policy.n_iter_ == 4


class Vanish(Log):
    """Removes a folder after the first iteration."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_fit_task_end(self, estimator, context):
        if self.folder.exists():
            shutil.rmtree(self.folder)


def test_a_folder_that_vanishes_costs_files_and_not_the_fit(tmp_path):
    folder = tmp_path / "there"
    folder.mkdir()
    policy = make_policy(Checkpoint(folder / "policy.skampo"), Vanish(folder))
    with pytest.warns(UserWarning, match=re.escape(str(folder))) as seen:
        policy.fit(RewardingEnv)
    assert len(seen) == 1
    assert policy.n_iter_ == 3


@pytest.mark.parametrize(
    "path", ["{foo}", "{}", "{iteration:q}", "{iteration", "{iteration.x}", "{0}"]
)
def test_templates_that_cannot_be_filled_in(path):
    message = f"in which {{iteration}} is all that stands in braces.*Got '{path}'"
    with pytest.raises(InvalidParameterError, match=message):
        Checkpoint(path)
    Checkpoint("{{foo}}")


def test_a_search_in_threads_shares_its_checkpoint():
    written = []
    save = lambda policy, path: written.append((policy.gamma, policy.n_iter_))
    policy = make_policy(Checkpoint("policy", every=2, save=save))
    search = GridSearchCV(policy, {"gamma": [0.5, 0.9]}, cv=2, refit=False)
    with joblib.parallel_backend("threading", n_jobs=2):
        search.fit(TASKS)
    expected = [(gamma, n_iter) for gamma in (0.5, 0.9) for n_iter in (2, 3)]
    assert sorted(written) == sorted(2 * expected)


def test_another_way_to_save(tmp_path):
    path = tmp_path / "policy.joblib"
    make_policy(Checkpoint(path, save=joblib.dump)).fit(RewardingEnv)
    assert joblib.load(path).n_iter_ == 3


def test_a_checkpoint_needs_its_folder(tmp_path):
    policy = make_policy(Checkpoint(tmp_path / "missing" / "policy.skampo"))
    with pytest.raises(FileNotFoundError, match=r"missing.*Make it first"):
        policy.fit(RewardingEnv)
    assert policy.n_iter_ == 0
