# %% load
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

epochs = 8
X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %% train
np.random.seed(1)
model = SGDClassifier(loss="log_loss", alpha=1e-3)
losses = []
for epoch in range(epochs):
    order = np.random.permutation(len(X_train))
    model.partial_fit(X_train[order], y_train[order], classes=np.arange(10))
    losses.append(log_loss(y_test, model.predict_proba(X_test)))
    print(f"loss (step {epoch}): {losses[-1]}")

# %% score
predicted = model.predict(X_test)
print(f"accuracy: {accuracy_score(y_test, predicted)}")

# %% save
np.savez("digits_training.npz", losses=losses, weights=model.coef_)

# %% curve [artifact:curve]
fig, ax = plt.subplots(figsize=(5, 3))
ax.plot(losses, marker="o")
ax.set(xlabel="epoch", ylabel="loss")
plt.show()
