# %% load
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, classification_report
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.tree import DecisionTreeClassifier

iris = load_iris(as_frame=True)
df = iris.frame
df.describe().round(2)

# %% split
X_train, X_test, y_train, y_test = train_test_split(
    df.drop(columns="target"), df["target"], test_size=0.4, random_state=7
)

# %% fit
tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=4, random_state=7)
tree.fit(X_train, y_train)
y_pred = tree.predict(X_test)

# %% score
print("Accuracy:", round(accuracy_score(y_test, y_pred), 2))
print(classification_report(y_test, y_pred))

# %% cross-validation
cv_scores = cross_val_score(tree, df.drop(columns="target"), df["target"], cv=5)
print(f"CV accuracy: {cv_scores.mean():.2f} +/- {cv_scores.std():.2f}")
