"""Addresses of a server that breaks before any view of ours can answer."""

from django.urls import path

from sequence.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def _broken(request):
    raise RuntimeError("broken outside of a view")


urlpatterns = [path("api/v1/broken", _broken)]
