# %% load
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = load_iris(return_X_y=True)

# %% split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)

# %% fit
scaler = StandardScaler()
scaled_train = scaler.fit_transform(X_train)
scaled_test = scaler.transform(X_test)
model = LogisticRegression(C=0.5, max_iter=200).fit(scaled_train, y_train)

# %% score
predicted = model.predict(scaled_test)
probabilities = model.predict_proba(scaled_test)
print(f"accuracy: {accuracy_score(y_test, predicted)}")
print(f"log_loss: {log_loss(y_test, probabilities)}")

# %% confusion
confusion_matrix(y_test, predicted)

# %% save
table = pd.DataFrame({"truth": y_test, "predicted": predicted, "confidence": probabilities.max(axis=1)})
table.to_csv("iris_predictions.csv", index=False)
