"""Settings, all of them, read from the environment. docs/settings.md lists the variables."""

import os
from ipaddress import ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from sequence.database_line import bounded
from sequence.database_url import read_database_url
from sequence.local.postgres import APPLICATION, SUPERUSER
from sequence.local.secrets import ensure_local_secrets
from sequence.logs import logging_configuration
from sequence.production import follower, refuse_what_is_unsafe, two_roles

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / ".local"

env = environ.Env()

# Production must name its secrets and hosts itself, and starts with none that are unfit: see the end of this file.
# A development machine gets its own made once.
PRODUCTION = env.bool("PRODUCTION", default=False)
if not PRODUCTION:
    ensure_local_secrets(LOCAL_DIR / "secrets.env")
    env.read_env(LOCAL_DIR / "secrets.env")

SECRET_KEY = env("SECRET_KEY", default="")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])

# API keys are stored as HMACs under this. Changing it closes every key.
API_KEY_PEPPER = env("API_KEY_PEPPER", default="")
# Fernet keys for bank numbers and second factors: the first encrypts, all decrypt. To rotate, put a new one in front.
BANK_NUMBER_KEYS = env.list("BANK_NUMBER_KEYS", default=[])

# Staff sign in with a code of their authenticator app beside the password.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=PRODUCTION)

# A proxy in front of us ends TLS, and says in X-Forwarded-Proto and X-Forwarded-For what it was asked, and by whom.
# Without such a proxy these headers are anybody's claim.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)

# Requests a minute for each API key, where staff set no other number.
RATE_LIMIT_PER_MINUTE = 100
RATE_LIMIT_ENABLED = env.bool("RATE_LIMIT_ENABLED", default=True)

# Whether what a slow request with an Idempotency-Key asks for can be read while it runs: see apikeys.slow_calls.
TELL_SLOW_CALLS = True

# Whether the audit log tells of calls that only read.
AUDIT_READS = env.bool("AUDIT_READS", default=True)
# Tests write them when they look for them.
AUDIT_READS_IN_BACKGROUND = True

# How long the simulated rail takes from submission to settlement.
SIMULATED_RAIL_DELAY_SECONDS = env.int("SIMULATED_RAIL_DELAY_SECONDS", default=2)
# Networks that webhooks may go to though they are none of the internet's, in clear too: those of this house.
try:
    WEBHOOK_ALLOWED_NETWORKS = [ip_network(text) for text in env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])]
except ValueError as error:
    raise ImproperlyConfigured(f"WEBHOOK_ALLOWED_NETWORKS: {error}") from None
# Who is mailed when a transfer waits for approval, and by which server.
APPROVALS_EMAIL = env.list("APPROVALS_EMAIL", default=[])
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("EMAIL_FROM", default="sequence@localhost")
# Lets an operator run a worker as if it were another time. Never in production: it would settle the future.
ALLOW_TIME_TRAVEL = env.bool("ALLOW_TIME_TRAVEL", default=False)
# Workers go from one organization to the next: where the rows of each are on a machine of their own.
WORK_BY_ORGANIZATION = env.bool("WORK_BY_ORGANIZATION", default=False)
# What a monitor sends to read /metrics; without it there is no such page.
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# Whether the vendor's dialect of the API answers, under /platform/v1.
# Pages of these origins may call /api/mcp with a key, beside our own.
MCP_ALLOWED_ORIGINS = env.list("MCP_ALLOWED_ORIGINS", default=[])
PLATFORM_API = env.bool("PLATFORM_API", default=True)

INSTALLED_APPS = [
    "sequence.admin_config.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "sequence",
    "apikeys",
    "accounts",
    "transfers",
    "cards",
    "rules",
    "sequence.audit_log",
    "sequence.stops",
    "sequence.replays",
]

# Sessions, CSRF and messages cost a quarter of a request and serve the staff's pages alone: see sequence.middleware.
MIDDLEWARE = [
    "sequence.health.HealthMiddleware",
    "sequence.core.api.request_ids.RequestIdMiddleware",
    "sequence.middleware.ApiDoor",
    "django.middleware.security.SecurityMiddleware",
    "sequence.middleware.StaticFiles",
    "sequence.middleware.ContentSecurityPolicy",
    "sequence.middleware.PlannedAnew",
    "sequence.middleware.Sessions",
    "sequence.middleware.Common",
    "sequence.middleware.Csrf",
    "sequence.middleware.Authentication",
    "sequence.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Who answers, and who works.
ROOT_URLCONF = "sequence.urls"
WIRING = "sequence.wiring"
WSGI_APPLICATION = "sequence.wsgi.application"

# An existing server if one is named; else the embedded one, which the engine starts on first connection.
# APPLICATION is the role that serves, and OWNER what differs for the one that migrates: sequence.core.database.roles.
if env("DATABASE_URL", default=""):
    DATABASES = {"default": read_database_url("DATABASE_URL", env("DATABASE_URL"))}
    if env("DATABASE_OWNER_URL", default=""):
        owner = read_database_url("DATABASE_OWNER_URL", env("DATABASE_OWNER_URL"))
        DATABASES["default"] |= two_roles(DATABASES["default"], owner)
elif env("DATABASE_OWNER_URL", default=""):
    raise ImproperlyConfigured("DATABASE_OWNER_URL names a database, and DATABASE_URL names none.")
else:
    DATABASES = {
        "default": {
            "ENGINE": "sequence.local.postgres",
            "NAME": "sequence",
            "USER": APPLICATION,
            "APPLICATION": APPLICATION,
            "OWNER": {"USER": SUPERUSER},
            # The engine's own: where the cluster lives, and whether it survives a power cut (tests need not).
            "CLUSTER_DIR": env.path("POSTGRES_DIR", default=str(LOCAL_DIR / "postgres")),
            "DURABLE": env.bool("POSTGRES_DURABLE", default=True),
        }
    }
# A server that follows it, for readers that can bear to be late: sequence.core.database.replica.
if env("REPLICA_URL", default=""):
    if not env("DATABASE_URL", default=""):
        raise ImproperlyConfigured("REPLICA_URL names a server, and DATABASE_URL names none that it could follow.")
    DATABASES["replica"] = follower(DATABASES["default"], read_database_url("REPLICA_URL", env("REPLICA_URL")))
# Behind a pooler that shares connections between transactions, nothing of a session outlives its transaction.
DATABASE_CONNECTIONS_ARE_SHARED = not env.bool("DATABASE_PREPARED_STATEMENTS", default=True)
# A statement that comes again is sent by its name and planned once. Behind a pooler that shares connections between
# transactions the name may be unknown: there each statement is sent whole.
# https://docs.djangoproject.com/en/5.2/ref/databases/#database-server-side-parameters-binding
for database in DATABASES.values():
    # Connections live as long as their thread; opening one costs 12 times the request.
    database["CONN_MAX_AGE"] = None
    database["OPTIONS"] = bounded(database.get("OPTIONS", {}), is_shared=DATABASE_CONNECTIONS_ARE_SHARED) | {
        "server_side_binding": True,
        "prepare_threshold": None if DATABASE_CONNECTIONS_ARE_SHARED else 2,
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
# How the staff's pages write a time: in sequence/formats.
FORMAT_MODULE_PATH = "sequence.formats"

STATIC_URL = "/static/"
# A development machine serves static files from where they are; production collects them first.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False

# Everything from this server, nothing inline, nothing framed.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Sequence API",
    "VERSION": "1.0.0",
    "SERVERS": [{"url": "/", "description": "This server"}],
    # It would look at the addresses of both dialects as of one document; each has its own, which tests hold.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SORT_OPERATIONS": False,  # As sequence.urls has them.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["sequence.core.api.openapi.document.arrange"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    # The key that somebody enters stays in that page's memory, and is gone with it.
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": False,
        "displayRequestDuration": True,
        "filter": True,
        "docExpansion": "list",
        "defaultModelsExpandDepth": 0,
        "tryItOutEnabled": True,
    },
}

# The longest that a session lives; sequence.core.admin.staff_sessions ends it, and sooner when nobody uses it.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
# As much as the API takes; the web server's entry reads no more of any request.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Behind TLS in production; a development machine has none.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Pages lead to https. The API does not: sequence.middleware.ApiDoor refuses.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^api/v1(/|$)", r"^platform/v1(/|$)", r"^api/mcp(/|$)"]
# How long browsers insist on https for this host after a visit: a year.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SILENCED_SYSTEM_CHECKS = [
    # Django looks for its own class by name; ours is a subclass that leaves the API alone, which has no cookies.
    "security.W003",
    # Whether browsers ship with this domain on their list is for its owner to ask for, not for a default.
    "security.W021",
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LOG_LEVEL = env("LOG_LEVEL", default="INFO")
LOGGING = logging_configuration(level=LOG_LEVEL, as_json=env.bool("LOG_JSON", default=PRODUCTION))
LOGGING_CONFIG = "logging.config.dictConfig"

if PRODUCTION:
    refuse_what_is_unsafe(globals(), os.environ)
