"""What every container of the lab carries: protocol, settings, events, service.

Standard library only.
"""
