"""From a bare Python to a running system: what ``./run`` and ``./test`` do.

The two scripts enter by ``run`` and ``test``: with the system's Python, before anything is installed, these refuse what
cannot work and let ``install`` make ``.venv``. Inside it, ``serve`` and ``suite`` go on. ``supervisor`` keeps the web
server and the worker alive together, ``database`` sees that there is one.
"""
