"""What is public in skampo, found by walking the package."""

import importlib
import inspect
import pkgutil
from functools import cached_property

import skampo


def public_modules():
    """Names of the modules whose dotted path has no private part."""
    walked = pkgutil.walk_packages(skampo.__path__, prefix="skampo.")
    names = ["skampo", *(module.name for module in walked)]
    return [name for name in names if "._" not in name]


def public_names(module_name):
    """The names that a module offers: its ``__all__``, if it has one."""
    module = importlib.import_module(module_name)
    return list(getattr(module, "__all__", []))


def dotted_name(thing):
    """Where a class or function was defined, however it was reached."""
    return f"{thing.__module__}.{thing.__qualname__}"


def public_objects():
    """Classes and functions of ours that a public name leads to, by dotted name."""
    found = {}
    for module_name in public_modules():
        module = importlib.import_module(module_name)
        for name in public_names(module_name):
            thing = getattr(module, name, None)
            is_ours = getattr(thing, "__module__", "").startswith("skampo")
            if is_ours and (inspect.isclass(thing) or inspect.isroutine(thing)):
                found[dotted_name(thing)] = thing
    return found


def _is_documented_member(cls, name, value):
    if name.startswith("_"):
        return False
    # scikit-learn generates and documents `set_fit_request` and its like.
    if "metadata" in type(value).__module__ or inspect.isclass(value):
        return False
    is_property = isinstance(value, property | cached_property)
    return is_property or inspect.isroutine(getattr(cls, name))


def public_members(cls):
    """Dotted names of the methods and properties that our classes define."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("skampo")]
    return {
        f"{dotted_name(base)}.{name}"
        for base in ours
        for name, value in vars(base).items()
        if _is_documented_member(base, name, value)
    }


def public_pages():
    """Module and name behind each page of the reference, by the page's name."""
    return {
        f"{module_name}.{name}": (module_name, name)
        for module_name in public_modules()
        for name in public_names(module_name)
    }
