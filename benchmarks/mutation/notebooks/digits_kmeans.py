# %% load
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import MinMaxScaler

digits = load_digits()
pixels = MinMaxScaler().fit_transform(digits.data)

# %% cluster
clusters = KMeans(n_clusters=10, n_init=2, max_iter=100, random_state=0).fit(pixels)

# %% score
print(f"inertia: {clusters.inertia_}")
print(f"silhouette: {silhouette_score(pixels[::4], clusters.labels_[::4])}")
print(f"rand: {adjusted_rand_score(digits.target, clusters.labels_)}")

# %% sizes
sizes = np.bincount(clusters.labels_)
print("sizes", sizes)
majority = np.array([np.bincount(digits.target[clusters.labels_ == k]).argmax() for k in range(len(sizes))])
print("digits", majority)

# %% save
np.savez_compressed("digits_kmeans.npz", labels=clusters.labels_, centres=clusters.cluster_centers_)
