"""The viewer: the run store in a browser, on this machine alone."""
