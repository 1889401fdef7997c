# %% load
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

alpha = 0.1
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=3)

# %% fit
ridge = Ridge(alpha=alpha).fit(X_train, y_train)
predicted = ridge.predict(X_test)
residuals = y_test - predicted

# %% score
print(f"rmse: {mean_squared_error(y_test, predicted) ** 0.5}")
print(f"mae: {mean_absolute_error(y_test, predicted)}")
print(f"r2: {r2_score(y_test, predicted)}")
print(f"bias: {residuals.mean()}")

# %% save
np.savez("diabetes_ridge.npz", coefficients=ridge.coef_, predicted=predicted, residuals=residuals)

# %% residuals
fig, axes = plt.subplots(ncols=2, figsize=(7, 3))
axes[0].scatter(predicted, residuals, s=8)
axes[0].axhline(0, color="black", linewidth=1)
axes[1].hist(residuals, bins=20)
fig.savefig("diabetes_residuals.png")
plt.show()
