"""What cells show, compared by the data behind it, through pytest."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from pytest_nbrepro import baselines

FRAME = "import pandas as pd\nframe = pd.DataFrame({'id': range(100), 'score': [0.5] * 100})\n"


def png(shade: int) -> str:
    stream = io.BytesIO()
    Image.new("L", (60, 60), shade).save(stream, "PNG")
    return repr(stream.getvalue())


@pytest.fixture
def cell(project, fake_kernel):
    """Write the one notebook, with one cell."""

    def write(source, **annotation):
        project.notebook("n.ipynb", {"source": source, "id": "x"}, nbrepro=annotation)

    return write


def kept(project):
    return baselines.read(project.root / "baselines/n/default")


def test_a_frame_by_all_of_its_rows(project, cell):
    cell(f"{FRAME}frame")
    project.accept()
    one = kept(project).artifacts["cell:x"]
    assert (one.kind, one.path, one.shown.path) == ("table", "cells/cell-x.frame", "cells/cell-x.html")
    assert {path.name for path in (project.root / "baselines/n/default/cells").iterdir()} == {
        "cell-x.frame",
        "cell-x.html",
    }
    assert project.run().ret == 0
    cell(f"{FRAME}frame.loc[50, 'score'] = 0.7\nframe")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["  table   cell:x  row 50, column score: 0.5000 -> 0.7000*"])
    cell(
        f"{FRAME}frame.loc[50, 'score'] = 0.7\nframe",
        artifacts={"cell:x": {"columns": {"score": {"abs": 0.3}}}},
    )
    assert project.run().ret == 0


def test_an_array_and_a_series_by_their_values_and_not_as_text(project, cell):
    cell("import numpy as np\nvalues = np.arange(2000.0)\nvalues")
    project.accept()
    assert kept(project).artifacts["cell:x"].path == "cells/cell-x.npy"
    assert kept(project).artifacts["cell:x"].shown is None
    cell("import numpy as np\nvalues = np.arange(2000.0)\nvalues[1000] = 5\nvalues")
    result = project.run()
    result.stdout.fnmatch_lines(
        ["NBREPRO n.ipynb::default   1 of 1 check drifted", "  array   cell:x  *1000*"]
    )
    cell(f"{FRAME}frame['score']")
    result = project.run()
    result.stdout.fnmatch_lines(["  array   cell:x  kind array -> table", "  why *"])


def test_what_is_not_kept_is_compared_by_what_is_seen_and_said_so(project, cell):
    cell(f"{FRAME}frame['what'] = [object()] * 100\nframe.head(3)")
    cell("import numpy as np\nnp.array([None, 'a'])")
    project.accept()
    assert kept(project).artifacts == {}
    cell("import numpy as np\nnp.array([None, 'b'])")
    result = project.run()
    result.stdout.fnmatch_lines(["  output  cell 1*", "*array by its text: it holds Python objects*"])


def figure(y: float, shade: int, what: str = "") -> str:
    return (
        "from matplotlib.figure import Figure\nfigure = Figure()\nax = figure.subplots()\n"
        f"ax.plot([1, 2], [3, {y}])\n{what}show({png(shade)}, figure)"
    )


PIXELS = "ax.lines[0].set_agg_filter(lambda pixels, dpi: (pixels, 0, 0))\n"


def test_a_figure_by_its_data_and_not_by_its_picture(project, cell):
    cell(figure(4.0, 0))
    project.accept()
    assert kept(project).artifacts["cell:x"].shown.path == "cells/cell-x.png"
    cell(figure(4.0, 200))
    assert project.run().ret == 0
    cell(figure(4.5, 0))
    result = project.run()
    result.stdout.fnmatch_lines(["  figure  cell:x  line 1 of axes 1: y[[]1]: 4.000 -> 4.500*"])


def test_by_its_picture_where_it_has_to_be(project, cell):
    cell(figure(4.0, 0, PIXELS))
    project.accept()
    cell(figure(4.5, 0, PIXELS))
    assert project.run().ret == 0
    (run,) = project.runs()[-1:]
    assert run.artifacts["cell:x"].untaken == "Line2D with an Agg filter is not captured"
    cell(figure(4.0, 200, PIXELS))
    result = project.run()
    result.stdout.fnmatch_lines(["  image   cell:x  *", "*by its picture: Line2D with an Agg filter is not*"])
    cell(figure(4.0, 200))
    result = project.run()
    result.stdout.fnmatch_lines(
        ["  image   cell:x  *", "*by its picture: of the baseline, Line2D with an Agg*"]
    )


def test_a_baseline_without_data_goes_on_by_its_picture_until_it_is_accepted_again(project, cell):
    cell(f"show({png(0)})")
    project.accept()
    cell(figure(4.0, 0))
    assert project.run().ret == 0
    assert project.run("--nbrepro-update=changed").ret == 0
    assert kept(project).artifacts["cell:x"].kind == "image"  # what passes is not rewritten
    assert project.run("--nbrepro-update=all").ret == 0
    assert kept(project).artifacts["cell:x"].kind == "figure"
    cell(f"show({png(0)})")
    result = project.run()
    result.stdout.fnmatch_lines(["  figure  cell:x*kind figure -> image*"])


def test_of_large_frames_a_hash_and_pictures_stay(project, cell):
    source = "import pandas as pd\nframe = pd.DataFrame({'a': [float(i) for i in range(150_000)]})\nframe"
    cell(source)
    project.accept()
    one = kept(project).artifacts["cell:x"]
    assert (one.stored, one.path) == ("hash", "cells/cell-x.frame")
    assert one.shown.path == "cells/cell-x.html"
    assert project.run().ret == 0
    cell(source.removesuffix("frame") + "frame.loc[99_999, 'a'] += 1\nframe")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["  table   cell:x*", "*can't say how much*"])


def test_the_fixture_gives_what_people_see(project, cell):
    cell(f"{FRAME}frame")
    project.pytester.makepyfile(
        """
        def test_it(nbrepro):
            path = nbrepro.run("n.ipynb").artifacts["cell:x"]
            assert path.name == "cell-x.html" and "score" in path.read_text()
        """
    )
    project.pytester.runpytest_inprocess("-W", "default", "-p", "no:xdist").assert_outcomes(passed=1)
