"""The regressors that must learn CartPole, shared by the test and the table."""

from lightgbm import LGBMRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

REGRESSORS = {
    "default": None,
    "LGBMRegressor": LGBMRegressor(verbose=-1),
    "MLPRegressor": MLPRegressor(hidden_layer_sizes=(64, 64)),
    "Nystroem + Ridge": make_pipeline(
        StandardScaler(), Nystroem(gamma=0.5, n_components=200), Ridge(alpha=0.1)
    ),
}
SEEDS = range(5)
SOLVED = 475.0
LARGEST_BUDGET = 60_000
