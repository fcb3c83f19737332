"""Requests that are repeated with an Idempotency-Key."""

PODS = "/accounts/pods"
INCOME = "/accounts/income-sources"
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
