# %% load
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=5, stratify=y)

# %% search
pipeline = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(max_iter=300))])
grid = {"model__C": np.logspace(-2, 1, 4)}
search = GridSearchCV(pipeline, grid, cv=4, scoring="f1").fit(X_train, y_train)
print("best C:", search.best_params_["model__C"])
print(f"best score: {search.best_score_:.3f}")

# %% score
predicted = search.predict(X_test)
print(f"precision: {precision_score(y_test, predicted):.3f}")
print(f"recall: {recall_score(y_test, predicted):.3f}")
print(f"f1: {f1_score(y_test, predicted):.3f}")
