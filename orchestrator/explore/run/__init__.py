"""A run that is started from the page and drawn while it takes place.

`child` and `launch` run ``orchestrate.py run``; `observed` and `predicted` are what is drawn,
`scenes` draws it, `live_run` does so until the run ends, and `board` is what pages read of it.
"""
