"""The page of ``orchestrate.py explore``: tabs in a browser, served on loopback to one person.

`app` answers requests, `access` refuses those that are not of that person, and `web` listens. A
`tab` brings its part of the page, its script and its routes; `app.TABS` lists them.
"""
