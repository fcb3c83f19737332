"""Peers of the product on its own tables: a bare Django view with one statement, and a list as DRF makes it.

A WSGI application of its own, ``benchmarks.peers:application``, with no middleware, no keys and no checks.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peer_settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.db import connection  # noqa: E402 - once Django is set up
from django.db.models import QuerySet  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.pagination import CursorPagination  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402
from rest_framework.viewsets import ReadOnlyModelViewSet  # noqa: E402

from sequence.core.api.ids import parse_id  # noqa: E402
from transfers.models import Transfer  # noqa: E402


def bare_account(request: HttpRequest, account_id: str) -> JsonResponse:
    """One statement, one answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, type, balance_cents FROM accounts_account WHERE id = %s", [parse_id("acc", account_id)]
        )
        name, kind, cents = cursor.fetchone()
    return JsonResponse({"id": account_id, "name": name, "type": kind, "balance_in_cents": cents})


class TransferRow(ModelSerializer):
    class Meta:
        model = Transfer
        fields = (
            "id",
            "amount_cents",
            "direction",
            "origin",
            "status",
            "description",
            "source_id",
            "destination_id",
            "rule_id",
            "rule_execution_id",
            "error_code",
            "created_at",
            "completed_at",
            "cancel_reason",
        )


class Pages(CursorPagination):
    page_size = 100
    ordering = ("-created_at", "-id")


class Transfers(ReadOnlyModelViewSet):
    """Flat rows of one account's outgoing transfers, as DRF's own parts list them."""

    serializer_class = TransferRow
    pagination_class = Pages
    authentication_classes = ()
    permission_classes = ()

    def get_queryset(self) -> QuerySet[Transfer]:
        return Transfer.objects.filter(source_id=self.kwargs["account_id"])


urlpatterns = [
    path("bare/<str:account_id>", bare_account),
    path("stock/<str:account_id>", Transfers.as_view({"get": "list"})),
]
