# %% load
import json

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score

n_components = 12
X, y = load_digits(return_X_y=True)

# %% project
pca = PCA(n_components=n_components, svd_solver="full")
projected = pca.fit_transform(X)
restored = pca.inverse_transform(projected)
error = ((X - restored) ** 2).mean(axis=1)

# %% scores [metrics]
{
    "explained": float(pca.explained_variance_ratio_.sum()),
    "error": float(error.mean()),
    "accuracy": float(cross_val_score(RidgeClassifier(alpha=1.0), projected, y, cv=3).mean()),
}

# %% save
np.save("digits_projected.npy", projected)
with open("digits_variance.json", "w") as file:
    json.dump({"ratio": pca.explained_variance_ratio_.tolist(), "worst": int(error.argmax())}, file)

# %% map [artifact:map]
fig, ax = plt.subplots(figsize=(5, 4))
points = ax.scatter(projected[:, 0], projected[:, 1], c=y, cmap="tab10", s=6)
fig.colorbar(points)
plt.show()
