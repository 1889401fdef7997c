"""Faults of models: their parameters, their seeds, what is done to the data before, and how they are scored."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mutation.data import splits
from mutation.sites import Edit, Operator, Script, Source, is_class, last_name, number, without

_SEEDS = {"random_state", "seed"}
_SIZES = {"test_size", "train_size", "n_splits", "cv"}
_SCALERS = {"StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "Normalizer"}
_FITTED_FIRST = _SCALERS | {"PCA", "SimpleImputer"}
_CHOICES = {
    "rbf": "linear",
    "linear": "rbf",
    "distance": "uniform",
    "uniform": "distance",
    "log_loss": "modified_huber",
    "full": "covariance_eigh",
    "lsqr": "eigen",
}
_METRICS = {
    "accuracy_score": "balanced_accuracy_score",
    "adjusted_rand_score": "rand_score",
    "f1_score": "jaccard_score",
    "log_loss": "d2_log_loss_score",
    "mean_absolute_error": "median_absolute_error",
    "mean_squared_error": "mean_absolute_error",
    "precision_score": "recall_score",
    "r2_score": "explained_variance_score",
    "recall_score": "precision_score",
    "roc_auc_score": "average_precision_score",
    "silhouette_score": "calinski_harabasz_score",
}
_SCORINGS = {"accuracy": "balanced_accuracy", "f1": "roc_auc", "r2": "explained_variance"}


def _changed(value: float) -> str:
    """Return another number of the same kind and sign."""
    if not isinstance(value, int):
        return repr(value * 2)
    return repr(value + max(1, abs(value) // 4))


def _other(source: Source, node: ast.expr) -> str | None:
    """Return another value for one that is written out; None where there is none."""
    value = number(node)
    if value is not None:
        return _changed(value)
    if not isinstance(node, ast.Constant):
        return None
    if isinstance(node.value, bool):
        return repr(not node.value)
    if isinstance(node.value, str) and node.value in _CHOICES:
        quote = source.code(node)[0]
        return f"{quote}{_CHOICES[node.value]}{quote}"
    return None


def _parameters(script: Script) -> Iterator[tuple[Source, ast.Call, ast.keyword]]:
    for source in script:
        for call in source.calls():
            if is_class(call):
                yield from ((source, call, keyword) for keyword in call.keywords if keyword.arg not in _SEEDS)


def _hyperparameters(script: Script) -> Iterator[Edit]:
    for source, setting in _settings(script):
        if text := _other(source, setting):
            yield source.instead(setting, text)


def _nudged(script: Script) -> Iterator[Edit]:
    for source, setting in _settings(script):
        value = number(setting)
        if isinstance(value, float):
            yield source.instead(setting, f"{value * 1.01:.12g}")


def _settings(script: Script) -> Iterator[tuple[Source, ast.expr]]:
    """Yield the values of parameters of classes, and of flags other than 0."""
    for source, _, keyword in _parameters(script):
        if keyword.arg not in _SIZES:
            yield source, keyword.value
    for source in script:
        for statement in source.tree.body:
            if isinstance(statement, ast.Assign) and number(statement.value):
                yield source, statement.value


def _defaults(script: Script) -> Iterator[Edit]:
    return (without(source, call, keyword) for source, call, keyword in _parameters(script))


def _sizes(script: Script) -> Iterator[Edit]:
    for source in script:
        for call in source.calls():
            for keyword in call.keywords:
                value = number(keyword.value) if keyword.arg in _SIZES else None
                if isinstance(value, float):
                    yield source.instead(keyword.value, f"{value + 0.05:g}")
                elif value is not None:
                    yield source.instead(keyword.value, _changed(value))


def _seeds(script: Script) -> Iterator[Edit]:
    for source in script:
        for call in source.calls():
            for keyword in call.keywords:
                if keyword.arg in _SEEDS:
                    yield without(source, call, keyword)
            if last_name(call.func) == "default_rng" and call.args:
                yield without(source, call, call.args[0])
        for statement in source.tree.body:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Call) and last_name(value.func) == "seed":
                yield source.instead(statement, "pass")


# ---------------------------------------------------------------------------------------------------
# Normalisation


def _makes(node: ast.expr, classes: set[str]) -> bool:
    """Tell whether an expression is a new object of one of the classes."""
    return isinstance(node, ast.Call) and last_name(node.func) in classes


def _holders(script: Script, classes: set[str]) -> set[str]:
    """Return the names of objects of the classes."""
    return {
        target.id
        for source in script
        for node in source.nodes()
        if isinstance(node, ast.Assign) and _makes(node.value, classes)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _unscaled(script: Script) -> Iterator[Edit]:
    scalers = _holders(script, _SCALERS)
    for source in script:
        for node in source.nodes():
            if isinstance(node, ast.Call):
                yield from _out_of_pipeline(source, node)
                if last_name(node.func) in {"fit_transform", "transform"} and _is_scaler(node.func, scalers):
                    yield source.instead(node, source.code(node.args[0]))
            elif isinstance(node, ast.BinOp) and _is_standardised(node):
                assert isinstance(node.left, ast.BinOp)
                yield source.instead(node, source.code(node.left.left))


def _out_of_pipeline(source: Source, call: ast.Call) -> Iterator[Edit]:
    if last_name(call.func) == "make_pipeline":
        yield from (without(source, call, step) for step in call.args if _makes(step, _SCALERS))
    if last_name(call.func) == "Pipeline" and isinstance(call.args[0], ast.List):
        steps = call.args[0]
        for step in steps.elts:
            if isinstance(step, ast.Tuple) and _makes(step.elts[1], _SCALERS):
                left = [source.code(other) for other in steps.elts if other is not step]
                yield source.instead(steps, f"[{', '.join(left)}]")


def _is_scaler(method: ast.expr, scalers: set[str]) -> bool:
    assert isinstance(method, ast.Attribute)
    return _makes(method.value, _SCALERS) or last_name(method.value) in scalers


def _is_standardised(node: ast.BinOp) -> bool:
    """Tell whether an expression is ``(x - m) / s`` with a mean or least value for m."""
    if not (isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp)):
        return False
    middle = node.left.right
    return isinstance(middle, ast.Call) and last_name(middle.func) in {"mean", "min"}


def _leaky_scaling(script: Script) -> Iterator[Edit]:
    """Yield the fits to training data of what comes before the model, on all data instead."""
    whole: dict[str, str] = {}
    for source, statement, call in splits(script):
        target = statement.targets[0]
        if isinstance(target, ast.Tuple):
            names = [source.code(name) for name in target.elts[::2]]
            whole |= dict(zip(names, [source.code(given) for given in call.args], strict=True))
    holders = _holders(script, _FITTED_FIRST)
    for source in script:
        for call in source.calls():
            if not (isinstance(call.func, ast.Attribute) and len(call.args) == 1):
                continue
            given, place = source.code(call.args[0]), source.code(call.func.value)
            if place in holders and given in whole and call.func.attr in {"fit", "fit_transform"}:
                fitted = f"{place}.fit({whole[given]})"
                behind = f".transform({given})" if call.func.attr == "fit_transform" else ""
                yield source.instead(call, fitted + behind)


# ---------------------------------------------------------------------------------------------------
# Metrics


def _metrics(script: Script) -> Iterator[Edit]:
    for source in script:
        for call in source.calls():
            name = last_name(call.func)
            if name in _METRICS:
                yield source.instead(call.func, f"__import__('sklearn.metrics').metrics.{_METRICS[name]}")
            for keyword in call.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if keyword.arg == "scoring" and value in _SCORINGS:
                    yield source.instead(keyword.value, repr(_SCORINGS[value]))


OPERATORS = (
    Operator("hyperparameter", "a number doubled or raised by a quarter, a choice changed", _hyperparameters),
    Operator("nudged hyperparameter", "a hundredth more", _nudged),
    Operator("default", "a keyword of a class left out", _defaults),
    Operator("split size", "test share 0.05 more, more folds", _sizes),
    Operator("dropped seed", "`random_state`, `seed`", _seeds),
    Operator("no normalisation", "a scaler left out", _unscaled),
    Operator("leaky scaling", "a scaler fitted to all rows", _leaky_scaling),
    Operator("swapped metric", "f1 for accuracy and the like", _metrics),
)
