# %% load
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True, scaled=False)
print("rows and columns:", X.shape)

# %% split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=42)

# %% fit
model = GradientBoostingRegressor(n_estimators=60, learning_rate=0.1, max_depth=2, random_state=42)
model.fit(X_train, y_train)

# %% score
y_pred = model.predict(X_test)
print(f"R2 on test: {model.score(X_test, y_test):.2f}")
print(f"RMSE: {mean_squared_error(y_test, y_pred) ** 0.5:.1f}")
print(f"MAE: {mean_absolute_error(y_test, y_pred):.1f}")

# %% importances
importances = model.feature_importances_
best = importances.argsort()[::-1][:3]
print("best features:", best, importances[best].round(2))
