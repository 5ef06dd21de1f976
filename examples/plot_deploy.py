"""
A file without dependencies balances the pole as the policy does
================================================================

A policy is needed where scikit-learn is not: on the microcontroller of a robot, or in
somebody else's program. `skampo.export` writes a fitted policy as one file, of Python
or of C, that needs no package, and says how far the two differ. Here all play the same
episode.
"""

# %%
# Learn
# -----
# Ten iterations of the default; the best iterate is kept.
import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import gymnasium
import matplotlib.pyplot as plt
import numpy as np

from skampo import AMPOPolicy
from skampo.export import to_c, to_python

policy = AMPOPolicy(max_iter=10, early_stopping=True, random_state=0)
policy.fit("CartPole-v1")

# %%
# Export
# ------
# With a path, the text goes into a file. Each export was compared with the policy on
# random states, with action masks and without.
python, c = to_python(policy), to_c(policy)
print("Python:", python)
print("C:     ", c)
print(c.text[: c.text.index("static")])

# %%
# Use
# ---
# The text is a module: it imports `math`, and defines `act` and `probabilities`.
module: dict = {}
exec(python.text, module)


def play(act):
    """Angles of the pole in one episode."""
    env, angles, over = gymnasium.make("CartPole-v1"), [], False
    observation, _ = env.reset(seed=1)
    while not over:
        angles.append(np.degrees(observation[2]))
        observation, _, terminated, truncated, _ = env.step(act(observation))
        over = terminated or truncated
    env.close()
    return angles


by_policy, by_file = play(policy.act), play(module["act"])
print(f"steps: {len(by_policy)} by the policy, {len(by_file)} by the file")

# %%
# On a microcontroller
# --------------------
# The file of C allocates no memory and needs exp alone of the mathematics library. A
# compiler for the microcontroller would take it as it is; the one of this machine, if
# it has one, says how large it becomes, and lets it play.
lines = {"the policy": by_policy, "the exported file": by_file}
if compiler := shutil.which("gcc"):
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "policy.c"), Path(folder, "policy.so")
        c.save(source)
        options = ["-std=c99", "-Os", "-shared", "-fPIC", "-o", library, source, "-lm"]
        subprocess.run([compiler, *options], check=True)
        print(f"{library.stat().st_size / 1024:.0f} kilobytes, compiled")
        compiled = ctypes.CDLL(str(library))
    four = ctypes.c_double * 4
    lines["the compiled C"] = play(lambda x: compiled.act(four(*x), None))
    print("step by step the same:", lines["the compiled C"] == by_policy)

# %%
# Compare
# -------
# The same actions lead to the same angles, step by step.
figure, ax = plt.subplots(figsize=(8, 3.5))
for i, (name, angles) in enumerate(lines.items()):
    ax.plot(
        angles, linewidth=5 - 2 * i, color=["0.8", "#56b4e9", "black"][i], label=name
    )
ax.set(
    xlabel="step",
    ylabel="angle of the pole (degrees)",
    title="Three programs play the same episode",
)
ax.legend(loc="lower right")
figure.tight_layout()
plt.show()
