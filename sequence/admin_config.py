"""Puts the staff's site in the place of Django's own."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "sequence.core.admin.site.StaffSite"
