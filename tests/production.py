"""The environment of a server that is fit for production; its secrets are made anew for each run."""

import secrets

from cryptography.fernet import Fernet

PRODUCTION_ENVIRONMENT = {
    "PRODUCTION": "1",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "API_KEY_PEPPER": secrets.token_urlsafe(50),
    "BANK_NUMBER_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "sequence.your.domain",
    "POSTGRES_DURABLE": "1",
}
