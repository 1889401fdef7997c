# %% load
import numpy as np
from sklearn.datasets import load_diabetes

n_samples = 300
X, y = load_diabetes(return_X_y=True)
rng = np.random.default_rng(12)
bmi = X[:, 2]

# %% slope
design = np.column_stack([np.ones(len(bmi)), bmi])
slope = np.linalg.lstsq(design, y, rcond=None)[0][1]
print(f"slope: {slope}")

# %% bootstrap
slopes = np.empty(n_samples)
for k in range(n_samples):
    rows = rng.integers(0, len(y), len(y))
    slopes[k] = np.linalg.lstsq(design[rows], y[rows], rcond=None)[0][1]
low, high = np.percentile(slopes, [2.5, 97.5])
print(f"95 % interval: {low:.0f} to {high:.0f}")
print(f"standard_error: {slopes.std(ddof=1)}")

# %% by age
order = X[:, 0].argsort()
halves = np.array_split(order, 2)
means = [y[half].mean() for half in halves]
print("mean of the younger and the older half:", [round(float(mean), 1) for mean in means])

# %% save
np.savez("diabetes_bootstrap.npz", slopes=slopes, histogram=np.histogram(slopes, bins=15)[0])
np.savetxt("diabetes_means.txt", means, fmt="%.3f")
