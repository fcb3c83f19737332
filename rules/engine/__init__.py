"""Rule engine, pure: (definition, snapshot) → plan with its trace. It reads no database and no clock.

The live run, a simulation and a replay over history call the same function, so that a simulation cannot lie.
"""
