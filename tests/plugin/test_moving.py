"""Notebooks that come from other tools, as they are."""

from __future__ import annotations


def test_what_pytest_notebook_leaves_out_is_left_out_here(project, fake_kernel):
    nbreg = {
        "diff_ignore": ["/cells/0/outputs", "/metadata/language_info"],
        "diff_replace": [["/cells/*/outputs/*/text", "job-[0-9]+", "JOB"]],
    }
    project.notebook(
        "a.ipynb", "print(runs)", "print(f'job-{runs} of it')", "print('score: 0.5')", nbreg=nbreg
    )
    project.accept()
    book = (project.root / "baselines/a/default/notebook.ipynb").read_text()
    assert "JOB of it" in book

    assert project.run().ret == 0

    project.notebook(
        "a.ipynb", "print(runs)", "print(f'job-{runs} of that')", "print('score: 0.5')", nbreg=nbreg
    )
    result = project.run()
    result.stdout.fnmatch_lines(["*1 of 2 checks drifted*", "*output*cell 2*JOB of it -> JOB of that*"])


def test_a_notebook_that_is_to_be_skipped(project, fake_kernel):
    project.notebook("a.ipynb", "1 / 0", nbreg={"skip": True, "skip_reason": "needs the server"})
    result = project.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*needs the server*"])
    assert fake_kernel.runs == 0


def test_what_means_nothing_here_is_a_note_of_the_run(project, fake_kernel):
    project.notebook("a.ipynb", "print('score: 0.5')", nbreg={"diff_normalize": ["collapse_whitespace"]})
    project.accept()
    assert project.runs()[0].notes == ("nbreg: diff_normalize 'collapse_whitespace' means nothing here",)


def test_faults_of_its_metadata_are_those_of_an_annotation(project, fake_kernel):
    project.notebook("a.ipynb", "print('score: 0.5')", nbreg={"diff_replace": [["/cells", "(", ""]]})
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*a.ipynb: metadata.nbreg: diff_replace[[]0[]]: no regular expression*"])


def test_a_sanitize_file_of_nbval_becomes_masks(project, fake_kernel):
    masks = {
        "dates": {"regex": r"\d{1,2}/\d{1,2}/\d{2,4}", "replace": "DATE-STAMP"},
        "memory": {"regex": r"(<Source at) (0x[0-9a-f]+)>", "replace": r"\1 MEMORY>"},
    }
    project.write(
        "pyproject.toml",
        "[tool.nbrepro.outputs.masks]\n"
        + "".join(
            f"{name} = {{regex = '{m['regex']}', replace = '{m['replace']}'}}\n" for name, m in masks.items()
        ),
    )
    project.notebook(
        "a.ipynb", "print(f'on 1/{runs}/13: <Source at 0xabc{runs}>')", nbrepro={"outputs": {"rel": 1e-3}}
    )
    project.accept()
    assert project.run().ret == 0
    assert (
        "on DATE-STAMP: <Source at MEMORY>"
        in (project.root / "baselines/a/default/notebook.ipynb").read_text()
    )
