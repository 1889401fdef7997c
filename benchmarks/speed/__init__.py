"""What it costs to run notebooks, beside other tools: `tox -e speed`."""
