"""Tables of numbers and words, and policies fitted to them."""

import numpy as np
import pandas as pd
import polars

from skampo import AMPOPolicy
from skampo.data import TransitionLog

FEW = {"max_iter": 2, "random_state": 0}


def customers(n=300, seed=0):
    """Numbers and words of all kinds, of which some are missing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 80, size=n).astype(float),
            "visits": rng.integers(9, size=n),
            "is new": rng.random(n) < 0.5,
            "region": rng.choice(["north", "south"], size=n),
            "plan": pd.Categorical(
                rng.choice(["a", "b"], size=n), categories=["c", "a", "b"]
            ),
        }
    )
    for name in ("age", "region", "plan"):
        table.loc[rng.random(n) < 0.1, name] = None
    return table


def as_polars(kind):
    def make(table):
        columns = {
            name: [None if pd.isna(x) else x for x in table[name]] for name in table
        }
        return polars.DataFrame(columns).with_columns(polars.col("plan").cast(kind))

    return make


FRAMES = {
    "pandas": lambda table: table,
    "pandas with NA": lambda table: table.convert_dtypes(),
    "polars with categories": as_polars(polars.Categorical),
    "polars with an enum": as_polars(polars.Enum(["c", "a", "b"])),
}


def fitted(table, regressor=None):
    rng = np.random.default_rng(1)
    n = len(table)
    log = TransitionLog(table, rng.choice(["call", "mail"], size=n), rng.normal(size=n))
    return AMPOPolicy(regressor, **FEW).fit(log)
