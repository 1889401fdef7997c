# %% load
import json

from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

wine = load_wine()
print(f"{len(wine.target)} wines, {wine.data.shape[1]} measurements, from {len(set(wine.target))} growers")

# %% model
model = make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=7, weights="distance"))
folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=1)

# %% scores [metrics]
scores = cross_val_score(model, wine.data, wine.target, cv=folds, scoring="accuracy")
{"accuracy": float(scores.mean()), "spread": float(scores.std()), "worst_fold": float(scores.min())}

# %% report
predicted = cross_val_predict(model, wine.data, wine.target, cv=folds)
wrong = [int(row) for row in (predicted != wine.target).nonzero()[0]]
with open("wine_report.json", "w") as file:
    json.dump({"folds": scores.tolist(), "mistakes": len(wrong), "rows": wrong[:10]}, file, indent=1)
