"""Files that somebody wrote with bad intentions are refused, and nothing is done."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from gymnasium import spaces
from sklearn.linear_model import Ridge

import skampo
from skampo import AMPOPolicy
from tests.faulty_envs import MaskedEnv, SpaceEnv
from tests.persistence.crafted_models import MODELS
from tests.persistence.crafted_parts import PARTS
from tests.persistence.crafting import assert_refused, edit, seal
from tests.persistence.samples import SMALL, fit, fitted, others

ROOT = Path(__file__).parents[2]


@cache
def honest(name, folder):
    """The bytes of a file that is as it should be."""
    path = Path(folder) / "honest"
    if name in OTHERS:
        OTHERS[name]().save(path)
    elif any(name == other for other, _, _ in others()):
        policy, data = next((p, d) for other, p, d in others() if other == name)
        fit(policy, data).save(path)
    else:
        fitted(name, warm_start=True).save(path)
    skampo.load(path)
    return path.read_bytes()


def in_space(observations):
    """A policy of an environment that shows these."""
    policy = AMPOPolicy(Ridge(), **SMALL)
    return policy.fit(lambda: SpaceEnv(observations, spaces.Discrete(2)))


def of_table():
    """A policy of states of two kinds."""
    table = pd.DataFrame({"stock": [3, 0] * 8, "season": ["dry", "wet"] * 8})
    policy = AMPOPolicy(max_iter=1, random_state=0)
    return policy.fit(table, [0, 1] * 8, rewards=[1.0, 0.0] * 8)


def of_labels():
    """A policy of texts that can be fitted further."""
    policy = AMPOPolicy(Ridge(), max_iter=1, warm_start=True)
    return policy.fit([[0.0, 1.0], [1.0, 0.0]], ["a", "b"])


def of_masks():
    """A policy that keeps which actions were allowed."""
    policy = AMPOPolicy(Ridge(), warm_start=True, **SMALL)
    return policy.fit(MaskedEnv)


OTHERS = {
    "discrete": lambda: in_space(spaces.Discrete(4)),
    "bits": lambda: in_space(spaces.MultiBinary(3)),
    "letters": lambda: in_space(spaces.Text(3)),
    "table": of_table,
    "labels that go on": of_labels,
    "masks": of_masks,
}


CRAFTED = MODELS | PARTS


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_files_are_refused(name, tmp_path, tmp_path_factory):
    original, change, words = CRAFTED[name]
    data = honest(original, tmp_path_factory.getbasetemp())
    assert_refused(tmp_path / "crafted", data, change, words)


NAMES = ("a task as a seed", "a callback", "the name of a module")


def test_nothing_is_done_while_a_crafted_file_is_refused(tmp_path, tmp_path_factory):
    data = honest("Ridge", tmp_path_factory.getbasetemp())
    for i, name in enumerate(NAMES):
        (tmp_path / f"crafted{i}").write_bytes(edit(data, CRAFTED[name][1]))
    parsed = {"arrays": [["2f8", [1], "C"]], "value": None}
    (tmp_path / "crafted3").write_bytes(seal(b"{}", parsed, b"\0" * 8))
    code = """
import sys, skampo
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
for i in range(4):
    try:
        skampo.load(f"crafted{i}")
    except skampo.exceptions.SkampoFileError:
        pass
    else:
        raise SystemExit("loaded")
bad = ("import", "exec", "compile", "os.", "subprocess.", "socket.")
found = [event for event in seen if event[0].startswith(bad)]
found += [e for e in seen if e[0] == "open" and not str(e[1][0]).startswith("crafted")]
raise SystemExit(str(found) if found else 0)
"""
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
    )
