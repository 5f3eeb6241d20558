"""The orchestrator: from a scenario file to measures, a verdict, a report and an exit code.

A *scenario* is a YAML file: models, load, faults, expectations. The package `scenario` validates it
and plans its *cases*, a model at one load point each, and the *runs* of each case. For each run,
`execution` starts one server and its clients on a *backend* (Docker, Swarm, processes), drives the
load, injects the faults, and leaves logs and samples in a folder; from here on nothing needs the
backend. `analysis` joins what clients, server and kernel recorded into one table of messages and
computes *measures*; `twin` simulates the same load by queueing theory, to compare with.

`campaign` does this for all runs, judges the expectations, and sums up; `report` shows the findings
as HTML, in the terminal, as JUnit XML and on GitHub; `explore` serves a page in which one does so
by hand; `cli` has the commands. `results` knows the layout of the folder and the format of each raw
file, `measures` which measures there are, their units, and the language of expectations. A package
imports only from those below it: cli, explore, report, campaign, twin, analysis and execution
(neither knows the other), scenario, results and measures. `lint-imports` holds this in ``make
check``.
"""
