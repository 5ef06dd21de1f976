"""The picture of an estimator in a notebook, and its links."""

import importlib
import inspect
import re

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from skampo.mirror_maps import Tsallis
from skampo.preprocessing import EnvTransformer
from skampo.regressors import NystroemFeatures
from skampo.step_sizes import Constant
from tests.public_names import dotted_name, public_objects, public_pages
from tests.scripted import RewardingEnv, ScriptedCritic

REFERENCE = "https://skampo.readthedocs.io/en/stable/reference"
SMALL = {"max_iter": 1, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}


def links(estimator):
    found = re.findall(r'href="([^"#]*)', estimator._repr_html_())
    return {link for link in found if link.startswith(REFERENCE)}


def page(name):
    return f"{REFERENCE}/skampo.{name}.html"


def test_every_estimator_in_the_picture_links_to_its_page():
    policy = AMPOPolicy(make_pipeline(NystroemFeatures(), Ridge()), **SMALL)
    pages = {page("AMPOPolicy"), page("regressors.NystroemFeatures")}
    assert links(policy) == pages
    assert links(policy.fit(RewardingEnv)) == pages
    pipe = make_pipeline(EnvTransformer(StandardScaler()), policy)
    assert links(pipe) == pages | {page("preprocessing.EnvTransformer")}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (FittedQ(), "critics.FittedQ"),
        (Tsallis(), "mirror_maps.Tsallis"),
        (Constant(), "step_sizes.Constant"),
    ],
)
def test_parts_link_to_their_pages(part, name):
    assert links(part) == {page(name)}


def documented(cls=BaseEstimator):
    """All classes of ours that a picture can show, public or not."""
    for child in cls.__subclasses__():
        if child.__module__.startswith("skampo."):
            yield child
        yield from documented(child)


def doc_link(cls):
    """The link of an estimator of this class, without making one."""
    return cls.__new__(cls)._get_doc_link()


PUBLIC = {
    name: thing
    for name, thing in public_objects().items()
    if isinstance(thing, type)
    and issubclass(thing, BaseEstimator)
    and not inspect.isabstract(thing)
}
PRIVATE = {
    dotted_name(cls): cls for cls in documented() if not inspect.isabstract(cls)
}.items() - PUBLIC.items()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_link_leads_to_a_page_of_the_site(name):
    link = doc_link(PUBLIC[name])
    public = re.fullmatch(rf"{REFERENCE}/([\w.]+)\.html", link).group(1)
    module, short = public_pages()[public]
    assert getattr(importlib.import_module(module), short) is PUBLIC[name]


@pytest.mark.parametrize(("name", "cls"), sorted(PRIVATE))
def test_classes_without_a_page_have_no_link(name, cls):
    assert name not in public_objects()
    assert doc_link(cls) == ""


def test_classes_of_others_have_no_page_with_us():
    assert ScriptedCritic()._get_doc_link() == ""


def test_parameters_and_fitted_attributes_are_shown():
    policy = AMPOPolicy(Ridge(alpha=3.25), **SMALL)
    assert "3.25" in policy._repr_html_()
    assert "n_steps_" not in policy._repr_html_()
    assert "n_steps_" in policy.fit(RewardingEnv)._repr_html_()
    assert repr(policy) == (
        "AMPOPolicy(max_iter=1, n_envs=2, random_state=0, "
        "regressor=Ridge(alpha=3.25),\n           steps_per_iter=40)"
    )
