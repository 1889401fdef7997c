"""Install the lowest versions that pyproject.toml declares, into the environment this runs in."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lowest(requirements: list[str]) -> list[str]:
    """Return `name==version` for each `name>=version`."""
    found = [re.match(r"([A-Za-z0-9-]+)(?:\[[a-z]+\])?>=([0-9.]+)", text) for text in requirements]
    assert all(found), requirements
    return [f"{match[1]}=={match[2]}" for match in found if match]


def main() -> None:
    """Install them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    pins = lowest([*project["dependencies"], *extras])
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", *pins], check=True)


if __name__ == "__main__":
    main()
