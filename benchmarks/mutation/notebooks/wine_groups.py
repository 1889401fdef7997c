# %% load
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_wine

df = load_wine(as_frame=True).frame
df.describe()

# %% by grower
by_grower = df.groupby("target").agg({"alcohol": "mean", "malic_acid": "median", "proline": "max"})
by_grower.to_csv("wine_by_grower.csv")
by_grower

# %% correlations
correlations = df.drop(columns="target").corr()
strongest = correlations["alcohol"].drop("alcohol").abs().sort_values(ascending=False)
print(strongest.head(4))

# %% strong wines
strong = df[df["alcohol"] > 13.5]
print(f"strong_wines: {len(strong)}")
print(f"strong_share: {len(strong) / len(df)}")
print(f"mean_hue: {strong['hue'].mean()}")

# %% standardised
features = df.drop(columns="target")
standardised = (features - features.mean()) / features.std()
outliers = standardised.abs().max(axis=1) > 3
print(f"outliers: {outliers.sum()}")
standardised[outliers].round(3).to_csv("wine_outliers.csv")

# %% plot
counts = pd.cut(df["alcohol"], bins=8).value_counts(sort=False)
fig, ax = plt.subplots(figsize=(5, 3))
ax.bar(range(len(counts)), counts)
ax.set_ylabel("wines")
fig.savefig("wine_alcohol.png")
plt.close(fig)
