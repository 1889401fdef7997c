"""Which distributions brought what was imported, and which are needed."""

from pytest_nbrepro import packages


class TestDistributions:
    def test_modules_are_known_by_the_list_that_a_distribution_brings(self, tmp_path, installed):
        path = [installed(tmp_path, "PyYAML", "6.0", top_level="yaml\n_yaml\n")]
        assert packages.distributions({"_yaml", "other"}, path) == {"PyYAML": "6.0"}

    def test_or_by_the_files_that_it_installed(self, tmp_path, installed):
        record = (
            "pkg/__init__.py,sha256=x,1\n"
            "single.py,,\n"
            "_native.cpython-311-x86_64-linux-gnu.so,,\n"
            '"odd/with,comma.py",,\n'
            "../../../bin/tool,,\n"
            "pkg-1.0.dist-info/RECORD,,\n"
            "_editable_impl_pkg.pth,,\n"
        )
        path = [installed(tmp_path, "pkg", "1.0", record=record)]
        for module in ("pkg", "single", "_native", "odd"):
            assert packages.distributions([module], path) == {"pkg": "1.0"}
        for module in ("..", "", "pkg-1", "_editable_impl_pkg"):
            assert packages.distributions([module], path) == {}

    def test_several_may_bring_parts_of_one_package(self, tmp_path, installed):
        installed(tmp_path, "google-b", "2", top_level="google")
        path = [installed(tmp_path, "google-a", "1", top_level="google"), ""]
        assert list(packages.distributions(["google"], path).items()) == [
            ("google-a", "1"),
            ("google-b", "2"),
        ]

    def test_what_comes_first_on_the_path_is_what_counts(self, tmp_path, installed):
        first = installed(tmp_path / "venv", "pkg", "2.0", top_level="pkg")
        second = installed(tmp_path / "system", "pkg", "1.0", top_level="pkg")
        assert packages.distributions(["pkg"], [first, second]) == {"pkg": "2.0"}

    def test_a_broken_leftover_is_passed_over(self, tmp_path, installed):
        path = [installed(tmp_path, "pkg", "1", top_level="pkg", metadata="Metadata-Version: 2.1\n")]
        assert packages.distributions(["pkg"], path) == {}

    def test_folders_that_are_not_there_hold_none(self, tmp_path, installed):
        assert packages.distributions(["pkg"], [str(tmp_path / "none"), "python311.zip"]) == {}


class TestNamed:
    def test_imports_anywhere_in_code_whose_magics_are_masked(self):
        code = [
            "%matplotlib inline\nimport a.b, c as d",
            "def f():\n    from e.f import g\nfrom . import h",
            "if x:",
        ]
        assert packages.named(code) == {"a", "c", "e"}

    def test_a_cell_in_another_language(self):
        assert packages.named(["%%bash\nimport x"]) == set()

    def test_warnings_of_the_notebook_are_not_given_again(self):
        assert packages.named(["import a\nx = '\\d'"]) == {"a"}


class TestOptional:
    def lay_out(self, folder, installed):
        """`top` requires `base`, and `extra` where it is asked for."""
        requires = "Requires-Dist: Base_Lib (>=1)\nRequires-Dist: extra>=2; extra == 'all'\n"
        metadata = f"Metadata-Version: 2.1\nName: top\nVersion: 1\n{requires}"
        installed(folder, "top", "1", top_level="top", metadata=metadata)
        installed(folder, "base.lib", "1", top_level="base")
        return [installed(folder, "extra", "2", top_level="extra")]

    def test_what_nothing_needs(self, tmp_path, installed):
        path = self.lay_out(tmp_path, installed)
        modules = ["top", "base", "extra", "unknown"]
        assert packages.optional(modules, {"top"}, path) == ["extra"]
        assert packages.optional(modules, {"top", "extra"}, path) == []
        assert packages.optional(modules, set(), path) == ["base.lib", "extra", "top"]

    def test_only_what_was_imported(self, tmp_path, installed):
        assert packages.optional(["top"], {"top"}, self.lay_out(tmp_path, installed)) == []


class TestBlamed:
    def test_distributions_in_the_order_of_the_modules_which_stay_where_none_brought_them(
        self, tmp_path, installed
    ):
        path = iter([installed(tmp_path, "PyYAML", "6.0", top_level="yaml\n_yaml\n")])
        assert packages.blamed(["own", "yaml", "_yaml"], path) == ["own", "PyYAML"]
