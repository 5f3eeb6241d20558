"""The host side: scenario, plan, backends, collect, analyse, verdict, report."""
