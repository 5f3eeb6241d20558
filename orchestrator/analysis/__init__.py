"""Raw files of one run become measures: join, measure, check for consistency. No backend.

`consistency` has the reasons why a run is invalid as a measurement; the rules that a scenario adds
under ``validity`` are judged by `orchestrator.campaign`.
"""
