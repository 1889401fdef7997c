"""Install Debian's Chromium, which the tests in this folder drive, where it is missing and that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess


def main() -> None:
    """Install it."""
    if shutil.which("chromium"):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        print("no chromium, and no way to install it: the tests of pages will be skipped")
        return
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-q"], check=True, **quiet)
    packages = ["chromium"] if shutil.which("npm") else ["chromium", "npm"]
    subprocess.run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], check=True, **quiet
    )


if __name__ == "__main__":
    main()
