"""Laws hold however slow the machine is: no test of the engine has a deadline."""

from hypothesis import settings

settings.register_profile("engine", deadline=None)
settings.load_profile("engine")
