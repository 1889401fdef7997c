# %% load
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %% fit
forest = RandomForestClassifier(n_estimators=40, max_depth=5, min_samples_leaf=2, random_state=0)
forest.fit(X_train, y_train)

# %% score
score = forest.predict_proba(X_test)[:, 1]
print(f"auc: {roc_auc_score(y_test, score)}")
print(f"f1: {f1_score(y_test, score > 0.5)}")

# %% importances
importances = pd.Series(forest.feature_importances_, index=X.columns, name="importance")
importances = importances.sort_values(ascending=False)
importances.to_csv("cancer_importances.csv")
importances.head(5)

# %% roc [artifact:roc]
false, true, _ = roc_curve(y_test, score)
fig, ax = plt.subplots(figsize=(4, 4))
ax.plot(false, true, drawstyle="steps-post")
ax.plot([0, 1], [0, 1], linestyle="--", color="grey")
ax.set(xlabel="false positives", ylabel="true positives", title="Forest")
plt.show()
