SUPERUSER_ID = 1

from . import api, http, tools  # noqa: E402,F401
