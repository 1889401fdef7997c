"""Random numbers without a seed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_nbrepro.lint.base import Place, Subject, found

# functions that set a global generator -> prefixes of what draws from it
_SEEDS = {
    "random.seed": ("random.",),
    "numpy.random.seed": ("numpy.random.", "sklearn.", "scipy.stats.", "pandas."),
    "torch.manual_seed": ("torch.",),
    "tensorflow.random.set_seed": ("tensorflow.",),
    "tensorflow.keras.utils.set_random_seed": ("tensorflow.", "random.", "numpy.random.", "sklearn."),
    "keras.utils.set_random_seed": ("keras.", "tensorflow.", "random.", "numpy.random.", "sklearn."),
}
_GLOBAL = {  # draws from a global generator
    "random": "betavariate choice choices expovariate gauss getrandbits normalvariate randbytes randint random randrange "
    "sample shuffle triangular uniform",
    "numpy.random": "beta binomial bytes chisquare choice dirichlet exponential gamma geometric gumbel laplace lognormal "
    "multinomial multivariate_normal normal permutation poisson rand randint randn random random_sample ranf sample "
    "shuffle standard_normal triangular uniform vonmises weibull zipf",
    "torch": "bernoulli multinomial normal rand rand_like randint randint_like randn randn_like randperm",
    "tensorflow.random": "gamma normal poisson shuffle truncated_normal uniform",
}
_DRAWS = frozenset(f"{module}.{name}" for module, names in _GLOBAL.items() for name in names.split())
_FRESH = frozenset(
    {"random.Random", "numpy.random.RandomState", "numpy.random.default_rng", "numpy.random.SeedSequence"}
)
_FRESH |= {f"numpy.random.{name}" for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")}
_SYSTEM = frozenset({"os.urandom", "random.SystemRandom", "uuid.uuid1", "uuid.uuid4"})
_STATE = frozenset(  # of scikit-learn: random unless `random_state` is given
    [
        "train_test_split",
        "ShuffleSplit",
        "StratifiedShuffleSplit",
        "GroupShuffleSplit",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "MLPClassifier",
        "MLPRegressor",
        "KMeans",
        "MiniBatchKMeans",
        "TSNE",
        "SGDClassifier",
        "SGDRegressor",
        "BaggingClassifier",
        "BaggingRegressor",
        "AdaBoostClassifier",
        "AdaBoostRegressor",
        "IsolationForest",
        "RandomizedSearchCV",
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "GaussianMixture",
        "BayesianGaussianMixture",
        "LatentDirichletAllocation",
        "FastICA",
        "MDS",
        "RepeatedKFold",
        "RepeatedStratifiedKFold",
        "make_blobs",
        "make_circles",
        "make_classification",
        "make_moons",
        "make_regression",
        "resample",
        "shuffle",
        "permutation_importance",
    ]
)
_SHUFFLED = frozenset({"KFold", "StratifiedKFold", "StratifiedGroupKFold"})  # random only with shuffle=True


def unseeded(subject: Subject) -> Iterator[Place]:
    """Yield draws from generators that nothing has seeded; in functions, a seed anywhere counts."""
    calls = [(cell, call, inside, subject.name_of(call.func)) for cell, call, inside in subject.calls()]
    everywhere = {prefix for _, call, _, name in calls for prefix in _seeded(name, call)}
    so_far: set[str] = set()
    for cell, call, inside, name in calls:
        so_far.update(_seeded(name, call))
        why = _why(call, name, tuple(everywhere if inside else so_far), seed=subject.seeded)
        if why is not None:
            yield found(cell, call, why)


def _seeded(name: str | None, call: ast.Call) -> tuple[str, ...]:
    """Return the prefixes of what a call gives a seed."""
    return _SEEDS.get(name or "", ()) if _given(call, "seed") or call.args else ()


def _why(call: ast.Call, name: str | None, seeded: tuple[str, ...], *, seed: bool) -> str | None:
    """Say how a call draws without a seed; None where it does not."""
    if name is None:
        return _sample(call, "pandas." in seeded or seed)
    last = name.rpartition(".")[2]
    if name in _SYSTEM or name.startswith("secrets."):
        return f"{name} draws from the system: no seed reaches it"
    if name in _FRESH and not (_value(call, 0) or _given(call, "seed") or _given(call, "entropy")):
        return f"{name} without a seed makes another generator each time"
    if seed or name.startswith(seeded or ("\0",)):
        return None
    if name in _DRAWS:
        return f"{name} draws from the global generator, which nothing has seeded"
    shuffled = last in _SHUFFLED and any(
        word.arg == "shuffle" and _true(word.value) for word in call.keywords
    )
    if name.startswith("sklearn.") and (last in _STATE or shuffled) and not _open(call, "random_state"):
        return f"{last} without random_state is random"
    return None


def _sample(call: ast.Call, seeded: bool) -> str | None:
    """Judge a method `sample(n=…)` or `sample(frac=…)`, as data frames have it."""
    if seeded or not isinstance(call.func, ast.Attribute) or call.func.attr != "sample":
        return None
    drawn = _given(call, "n") or _given(call, "frac")
    return "sample without random_state is random" if drawn and not _open(call, "random_state") else None


def _value(call: ast.Call, position: int) -> bool:
    """Tell whether there is an argument at a position, and that it is not None."""
    given = call.args[position] if len(call.args) > position else None
    return given is not None and not (isinstance(given, ast.Constant) and given.value is None)


def _given(call: ast.Call, keyword: str) -> bool:
    """Tell whether a keyword is given, and not as None."""
    return any(
        word.arg == keyword and not (isinstance(word.value, ast.Constant) and word.value.value is None)
        for word in call.keywords
    )


def _open(call: ast.Call, keyword: str) -> bool:
    """Tell whether a keyword is given, or may be by ``**``."""
    return _given(call, keyword) or any(word.arg is None for word in call.keywords)


def _true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
