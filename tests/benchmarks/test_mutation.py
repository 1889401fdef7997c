"""The mutation benchmark: each operator changes what it should, once per place, and leaves valid Python."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from mutation import alarms, notebooks, outcomes, planting, tables
from mutation.planting import OPERATORS, Mutant
from mutation.sites import Edit, Source
from mutation.workshop import Judged
from results import write_section

SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y)"
FRAME = "d = load_wine(as_frame=True).frame"
FRAMES = "X, y = load_wine(return_X_y=True, as_frame=True)"
READ = "d = pd.read_csv('a.csv')"
TARGET = "d.columns.get_loc('target')"
WIDEST = "int(X.std(axis=0).argmax())"
SORTED = "sorted(range(len(X)), key=lambda row: row * 7919 % len(X))"

# operator -> (cells, the cells that differ in its mutants, in their order)
EXAMPLES: dict[str, list[tuple[list[str], list[str]]]] = {
    "outliers": [
        (
            ["X, y = load_iris(return_X_y=True)\nprint(X)"],
            [
                "X, y = load_iris(return_X_y=True)\nX[::50, int(X.std(axis=0).argmax())] *= 10\nprint(X)",
            ],
        ),
        (
            ["d = load_wine()"],
            ["d = load_wine()\nd.data[::50, int(d.data.std(axis=0).argmax())] *= 10"],
        ),
        (
            ["d = load_wine(as_frame=True).frame  # all"],
            ["d = load_wine(as_frame=True).frame  # all\nd.iloc[::50, int(d.std(axis=0).argmax())] *= 10"],
        ),
        (
            ["d = load_wine(as_frame=True)"],
            [
                "d = load_wine(as_frame=True)\nd.frame.iloc[::50, int(d.frame.std(axis=0).argmax())] *= 10",
            ],
        ),
        (
            [SPLIT],
            [f"{SPLIT}\nX_train[::50, int(X_train.std(axis=0).argmax())] *= 10"],
        ),
        (["model = make_pipeline(StandardScaler(), SVC())"], []),
    ],
    "nulls": [
        (
            ["X, y = make_moons(9)"],
            ['X, y = make_moons(9)\nX[::20, int(X.std(axis=0).argmax())] = float("nan")'],
        )
    ],
    "dropped rows": [
        (
            ["X, y = make_moons(9)"],
            ["X, y = make_moons(9)\nX, y = X[len(X) // 20 :], y[len(X) // 20 :]"],
        ),
        (
            [READ],
            ["d = pd.read_csv('a.csv')\nd = d.iloc[len(d) // 20 :]"],
        ),
    ],
    "one row": [(["X, y = make_moons(9)"], ["X, y = make_moons(9)\nX, y = X[1:], y[1:]"])],
    "duplicated rows": [
        (
            [READ],
            ["d = pd.read_csv('a.csv')\nd = d.iloc[[*range(len(d)), *range(len(d) // 20)]]"],
        )
    ],
    "shuffled rows": [
        (
            ["X, y = make_moons(9)"],
            [f"X, y = make_moons(9)\nX, y = X[{SORTED}], y[{SORTED}]"],
        )
    ],
    "label noise": [
        (
            ["X, y = make_moons(9)"],
            ["X, y = make_moons(9)\ny[::20] = y[::-1][::20].copy()"],
        ),
        (
            [FRAMES],
            [
                f"{FRAMES}\ny.iloc[::20] = y.to_numpy()[::-1][::20].copy()",
            ],
        ),
        (
            [FRAME],
            [
                f"{FRAME}\nd.iloc[::20, {TARGET}] = d.iloc[::-1, {TARGET}].to_numpy()[::20]",
            ],
        ),
        ([READ], []),
    ],
    "one label": [
        (["X, y = make_moons(9)"], ["X, y = make_moons(9)\ny[0] = y[-1]"]),
        ([FRAMES], [f"{FRAMES}\ny.iloc[0] = y.iloc[-1]"]),
        ([FRAME], [f"{FRAME}\nd.iloc[0, {TARGET}] = d.iloc[-1, {TARGET}]"]),
    ],
    "data shift": [
        (
            ["X, y = make_moons(9)"],
            [
                f"X, y = make_moons(9)\nX[:, {WIDEST}] = X[:, {WIDEST}][::-1].copy()",
            ],
        )
    ],
    "float32": [
        (["X, y = make_moons(9)"], ['X, y = make_moons(9)\nX = X.astype("float32")']),
        (
            [READ],
            [
                f"{READ}\nd = d.astype(dict.fromkeys(d.select_dtypes('float').columns, 'float32'))",
            ],
        ),
    ],
    "leakage": [
        ([SPLIT], [f"{SPLIT}\nX_train, y_train = X, y"]),
        (
            ["train, test = train_test_split(rows, test_size=0.2)"],
            ["train, test = train_test_split(rows, test_size=0.2)\ntrain = rows"],
        ),
    ],
    "scored on training": [
        (
            [SPLIT, "a = model.score(X_test, y_test)\nb = model.predict(X_test)"],
            ["a = model.score(X_train, y_train)\nb = model.predict(X_test)"],
        )
    ],
    "hyperparameter": [
        (
            ["alpha = 0.5\nmodel = Ridge(alpha, tol=1e-3, max_iter=8, random_state=0)"],
            [
                "alpha = 0.5\nmodel = Ridge(alpha, tol=0.002, max_iter=8, random_state=0)",
                "alpha = 0.5\nmodel = Ridge(alpha, tol=1e-3, max_iter=10, random_state=0)",
                "alpha = 1.0\nmodel = Ridge(alpha, tol=1e-3, max_iter=8, random_state=0)",
            ],
        ),
        (
            ["SVC(kernel='rbf', probability=True)"],
            ["SVC(kernel='linear', probability=True)", "SVC(kernel='rbf', probability=False)"],
        ),
        (["f(x=2)", "name = 'a'", "zero = 0"], []),
    ],
    "nudged hyperparameter": [
        (
            ["alpha = 0.5\nRidge(alpha, tol=1e-3, max_iter=8)"],
            [
                "alpha = 0.505\nRidge(alpha, tol=1e-3, max_iter=8)",
                "alpha = 0.5\nRidge(alpha, tol=0.00101, max_iter=8)",
            ],
        ),
    ],
    "default": [
        (["Ridge(\n    a, tol=1e-3,\n    random_state=0,\n)"], ["Ridge(\n    a,\n    random_state=0,\n)"]),
        (["Ridge(tol=1e-3, **k)"], ["Ridge(**k)", "Ridge(tol=1e-3)"]),
        (["Ridge(\n    tol=1e-3,\n)"], ["Ridge(\n    )"]),
    ],
    "split size": [
        (
            ["train_test_split(X, test_size=0.25)", "cross_val_score(m, X, cv=4)"],
            ["train_test_split(X, test_size=0.3)", "cross_val_score(m, X, cv=5)"],
        )
    ],
    "dropped seed": [
        (
            ["np.random.seed(3)\nr = np.random.default_rng(4)", "KMeans(2, random_state=0).fit(X)"],
            [
                "np.random.seed(3)\nr = np.random.default_rng()",
                "pass\nr = np.random.default_rng(4)",
                "KMeans(2).fit(X)",
            ],
        )
    ],
    "no normalisation": [
        (["make_pipeline(StandardScaler(), SVC())"], ["make_pipeline(SVC())"]),
        (["Pipeline([('s', StandardScaler()), ('m', SVC())])"], ["Pipeline([('m', SVC())])"]),
        (
            ["s = MinMaxScaler()\na = s.fit_transform(A)\nb = s.transform(B)\nc = pca.transform(C)"],
            [
                "s = MinMaxScaler()\na = A\nb = s.transform(B)\nc = pca.transform(C)",
                "s = MinMaxScaler()\na = s.fit_transform(A)\nb = B\nc = pca.transform(C)",
            ],
        ),
        (["z = (x - x.mean()) / x.std()"], ["z = x"]),
    ],
    "leaky scaling": [
        (
            [SPLIT, "s = StandardScaler()\na = s.fit_transform(X_train)"],
            ["s = StandardScaler()\na = s.fit(X).transform(X_train)"],
        ),
        (
            [SPLIT, "s = StandardScaler()\ns.fit(X_train)\nm.fit(X_train)"],
            ["s = StandardScaler()\ns.fit(X)\nm.fit(X_train)"],
        ),
    ],
    "swapped metric": [
        (
            ['print(f"{f1_score(a, b)}")', "cross_val_score(m, X, scoring='r2')"],
            [
                "print(f\"{__import__('sklearn.metrics').metrics.jaccard_score(a, b)}\")",
                "cross_val_score(m, X, scoring='explained_variance')",
            ],
        )
    ],
    "off by one": [
        (
            ["a[1:5]\nb[0]\nc[:, -1]\nrange(2, n)\nd.head(3)"],
            [
                "a[1:5]\nb[1]\nc[:, -1]\nrange(2, n)\nd.head(3)",
                "a[1:5]\nb[0]\nc[:, -2]\nrange(2, n)\nd.head(3)",
                "a[1:5]\nb[0]\nc[:, -1]\nrange(2, n - 1)\nd.head(3)",
                "a[1:5]\nb[0]\nc[:, -1]\nrange(2, n)\nd.head(2)",
                "a[2:5]\nb[0]\nc[:, -1]\nrange(2, n)\nd.head(3)",
                "a[1:4]\nb[0]\nc[:, -1]\nrange(2, n)\nd.head(3)",
            ],
        )
    ],
    "wrong axis": [
        (
            ["a.sum(axis=0)\nb.max(axis=-1)\nc.sum(axis=(0, 1))"],
            [
                "a.sum(axis=1)\nb.max(axis=-1)\nc.sum(axis=(0, 1))",
                "a.sum(axis=0)\nb.max(axis=0)\nc.sum(axis=(0, 1))",
            ],
        )
    ],
    "swapped aggregate": [
        (
            ["(a == b).mean()", "d.agg({'x': 'sum', 'y': f})", "p.argmax()", "mean(a)"],
            ["(a == b).max()", "d.agg({'x': 'mean', 'y': f})", "p.argmin()"],
        )
    ],
    "boundary": [
        (["(a + b) < (c)", "a == b", "a < b < c"], ["(a + b) <= (c)", "a != b"]),
    ],
    "arithmetic": [
        (
            ["(a - 1) * b ** 2", "folder / 'name'", "'a' + b"],
            ["(a - 1) / b ** 2", "(a + 1) * b ** 2", "(a - 1) * b * 2"],
        )
    ],
    "dropped call": [
        (
            ["for k in n:\n    ax.plot(k)\nax.legend(); x = f()", "np.random.seed(1)\nx"],
            ["for k in n:\n    ax.plot(k)\npass; x = f()", "for k in n:\n    pass\nax.legend(); x = f()"],
        )
    ],
}
CASES = [(name, cells, wanted) for name, cases in EXAMPLES.items() for cells, wanted in cases]


def changed(name: str, cells: list[str]) -> list[str]:
    script = [Source(index, text) for index, text in enumerate(cells)]
    (operator,) = (operator for operator in OPERATORS if operator.name == name)
    return [edit.apply(cells[edit.cell]) for edit in operator.edits(script)]


@pytest.mark.parametrize(("name", "cells", "wanted"), CASES, ids=[name for name, *_ in CASES])
def test_operators(name, cells, wanted):
    assert sorted(changed(name, cells)) == sorted(wanted)


def test_every_operator_has_an_example():
    assert list(EXAMPLES) == [operator.name for operator in OPERATORS]


def test_places_count_characters_not_bytes():
    assert changed("off by one", ["é = 'ü'; é[0]\nprint('→', é[1:])"]) == [
        "é = 'ü'; é[1]\nprint('→', é[1:])",
        "é = 'ü'; é[0]\nprint('→', é[2:])",
    ]


def test_a_line_is_added_behind_what_a_statement_ends_with():
    assert changed("float32", ["X, y = make_moons(\n    9,\n);  # two\nX"]) == [
        'X, y = make_moons(\n    9,\n);  # two\nX = X.astype("float32")\nX'
    ]


# ---------------------------------------------------------------------------------------------------
# In the notebooks

NOTEBOOKS = notebooks.every()
SOURCES = {
    name: {source.cell: source.text for source in notebooks.script(content)}
    for name, content in NOTEBOOKS.items()
}
PLANTED = [
    mutant
    for name, content in NOTEBOOKS.items()
    for mutant in planting.mutants(name, notebooks.script(content))
]


def test_there_are_examples_and_more_of_all_sorts():
    assert len(NOTEBOOKS) == 16
    assert {name for name in NOTEBOOKS if name.startswith("examples/")} == set(notebooks.EXAMPLES)
    assert {mutant.operator for mutant in PLANTED} == set(EXAMPLES)
    assert {mutant.notebook for mutant in PLANTED} == set(NOTEBOOKS)


def test_each_mutant_is_valid_python_of_its_own():
    assert len({(mutant.notebook, mutant.edit.cell, mutant.source) for mutant in PLANTED}) == len(PLANTED)
    for mutant in PLANTED:
        original = SOURCES[mutant.notebook][mutant.edit.cell]
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(original)), mutant
        assert mutant.source.startswith(original[: mutant.edit.start])
        assert mutant.source.endswith(original[mutant.edit.end :])
        assert len(mutant.source) - len(original) == len(mutant.edit.text) - (
            mutant.edit.end - mutant.edit.start
        )


def test_no_place_is_used_twice_by_one_operator():
    places = Counter(
        (mutant.operator, mutant.notebook, mutant.edit.cell, mutant.edit.start, mutant.edit.end)
        for mutant in PLANTED
    )
    assert set(places.values()) == {1}


def test_cells_of_generated_notebooks():
    made = notebooks.every()["wine_pipeline.ipynb"]
    assert [cell["id"] for cell in made["cells"]] == ["load", "model", "scores", "report"]
    assert made["cells"][2]["metadata"] == {"tags": ["metrics"]}
    assert made["metadata"]["nbrepro"] is True


@pytest.mark.parametrize("name", alarms.UNSEEDED)
def test_notebooks_without_their_seeds(name):
    sources = notebooks.script(alarms.without_seeds(NOTEBOOKS[name]))
    assert not any(word in source.text for source in sources for word in ("random_state", "seed("))
    before = {source.text for source in notebooks.script(NOTEBOOKS[name])}
    assert any(ast.unparse(source.tree) and source.text not in before for source in sources)


def test_a_sample_is_even_and_the_same_each_time():
    drawn = planting.sample(PLANTED, 60, seed=3)
    assert drawn == planting.sample(PLANTED, 60, seed=3) != planting.sample(PLANTED, 60, seed=4)
    assert len(set(drawn)) == 60
    counts, there = (Counter(mutant.operator for mutant in some) for some in (drawn, PLANTED))
    most = max(counts.values())
    assert all(counts[name] >= min(there[name], most - 1) for name in there)
    assert len(planting.sample(PLANTED, 10_000, seed=0)) == len(PLANTED)


# ---------------------------------------------------------------------------------------------------
# What becomes of them

MUTANT = Mutant("a.ipynb", "axis", Edit(0, 0, 1, "y"), "y = 1", "x = 1", "y = 1")


def judged(*, ok: bool, completed: bool = True, **results: str) -> Judged:
    return Judged(completed, "", ok, () if ok else ("metric a drift",), (), "CODE", results)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (judged(ok=False, completed=False), outcomes.CRASHED),
        (judged(ok=False, a="2"), outcomes.KILLED),
        (judged(ok=False), outcomes.KILLED),
        (judged(ok=False, a="1"), outcomes.FALSE),
        (judged(ok=True, a="2"), outcomes.SURVIVED),
        (judged(ok=True, a="1"), outcomes.EQUIVALENT),
    ],
)
def test_what_becomes_of_a_mutant(found, status):
    assert outcomes.classified(MUTANT, found, {"a": "1"}).status == status


def test_digits_that_are_not_printed_are_told_apart():
    same = outcomes.classified(MUTANT, judged(ok=True, a="1"), {"a": "1"})
    shown = {"a.ipynb": {"b": "0.51"}, MUTANT: {"b": "0.52"}}
    assert outcomes.with_digits(same, shown).status == outcomes.HIDDEN
    assert outcomes.with_digits(same, shown | {MUTANT: {"b": "0.51"}}) == same


def test_tables():
    found = [
        outcomes.classified(MUTANT, judged(ok=False, a="2"), {"a": "1"}),
        outcomes.classified(MUTANT, judged(ok=True, a="2"), {"a": "1"}),
    ]
    assert (
        list(tables.totals({"default": found}))[-1]
        == "| default | 2 | 0 | 0 | 0 | 0 | 1 | 1 | 0.500 | 0.500 |"
    )
    assert list(tables.by_notebook(found))[-1] == "| a.ipynb | 2 |  |  |  |  | 1 | 1 |"
    assert list(tables.alive(found))[2:] == ["| a.ipynb | axis | `…x → y` | nothing compares a |"]


def test_a_section_takes_the_place_of_its_own(tmp_path):
    path = tmp_path / "RESULTS.md"
    for title, line in (("A", "1"), ("B", "2"), ("A", "3")):
        write_section(title, [line], path)
    assert path.read_text().split("\n", 3)[3] == "\n## A\n\n3\n\n## B\n\n2\n"
