"""Exported C, compiled and called."""

import ctypes
import shutil
import subprocess

import numpy as np

COMPILER = shutil.which("gcc") or shutil.which("clang")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]


class Compiled:
    """The two functions of an exported file, for rows of states."""

    def __init__(self, text, folder):
        source, library = folder / "policy.c", folder / "policy.so"
        source.write_text(text, "utf8")
        build = [COMPILER, *STRICT, "-shared", "-fPIC", "-o", library, source, "-lm"]
        subprocess.run(build, check=True)
        self.library = ctypes.CDLL(str(library))

    def probabilities(self, X, n_actions, mask=None):
        proba = np.empty((len(X), n_actions))
        for x, row in zip(np.ascontiguousarray(X, dtype=float), proba, strict=True):
            self.library.probabilities(_at(x), _mask(mask), _at(row))
        return proba

    def act(self, X, mask=None):
        X = np.ascontiguousarray(X, dtype=float)
        return np.array([self.library.act(_at(x), _mask(mask)) for x in X])


def _at(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def _mask(mask):
    if mask is None:
        return None
    return ctypes.create_string_buffer(bytes(map(int, mask)), len(mask))
