"""All settings, read from the environment. docs/settings.md lists the variables."""

from pathlib import Path

import environ

from sequence.local_secrets import ensure_local_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / ".local"

env = environ.Env()

# Production must name its secrets and hosts itself; a development machine gets its own made once.
PRODUCTION = env.bool("PRODUCTION", default=False)
if not PRODUCTION:
    ensure_local_secrets(LOCAL_DIR / "secrets.env")
    env.read_env(LOCAL_DIR / "secrets.env")

SECRET_KEY = env("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "sequence",
]

ROOT_URLCONF = "sequence.urls"
WSGI_APPLICATION = "sequence.wsgi.application"

# An existing server if one is named; else the embedded one, which the engine starts on first connection.
if env("DATABASE_URL", default=""):
    DATABASES = {"default": env.db_url("DATABASE_URL", engine="django.db.backends.postgresql")}
else:
    DATABASES = {
        "default": {
            "ENGINE": "sequence.postgres",
            "NAME": "sequence",
            # The engine's own: where the cluster lives, and whether it survives a power cut (tests need not).
            "CLUSTER_DIR": env.path("POSTGRES_DIR", default=str(LOCAL_DIR / "postgres")),
            "DURABLE": env.bool("POSTGRES_DURABLE", default=True),
        }
    }
# Connections live as long as their thread; opening one costs 12 times the request.
DATABASES["default"]["CONN_MAX_AGE"] = None

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
