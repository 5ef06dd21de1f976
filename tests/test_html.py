"""The picture of an estimator in a notebook, and its links."""

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
from skampo.utils._sklearn import REFERENCE
from tests.public_names import public_objects
from tests.scripted import RewardingEnv, ScriptedCritic

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


ESTIMATORS = {
    name: thing
    for name, thing in public_objects().items()
    if isinstance(thing, type)
    and issubclass(thing, BaseEstimator)
    and not inspect.isabstract(thing)
}


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_link_leads_to_a_public_name(name):
    link = ESTIMATORS[name].__new__(ESTIMATORS[name])._get_doc_link()
    public = re.fullmatch(rf"{REFERENCE}/([\w.]+)\.html", link).group(1)
    module, _, short = public.rpartition(".")
    imported = __import__(module, fromlist=[short])
    assert getattr(imported, short) is ESTIMATORS[name]


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
