"""Beneficiaries in this dialect: the organization is the one that there is."""

from rest_framework import serializers
from rest_framework.request import Request

from sequence.core.typing import JsonObject
from sequence.platform.ids import PlainId, plain_id
from sequence.platform.names import Spelled
from sequence.platform.operations import platform_operation
from sequence.platform.pages import Listed, ListQuery, Pagination, bounds
from sequence.platform.viewsets import PlatformViewSet

_KINDS = ("INDIVIDUAL", "BUSINESS")


class Beneficiary(Spelled):
    """Who owns accounts."""

    id = PlainId()
    name = serializers.CharField()
    beneficiary_type = serializers.ChoiceField(choices=_KINDS)


class BeneficiaryPage(Spelled):
    """Some beneficiaries."""

    items = Beneficiary(many=True)
    pagination = Pagination()


class BeneficiaryViewSet(PlatformViewSet):
    """Who owns accounts is listed."""

    @platform_operation(
        name="listBeneficiaries",
        method="GET",
        path="/beneficiaries",
        scope=None,
        summary="List who can own accounts: the organization",
        query=ListQuery,
        response=BeneficiaryPage,
    )
    def list_beneficiaries(self, request: Request) -> JsonObject:
        only = {
            "id": plain_id(self.caller.organization_id),
            "name": self.caller.legal_name,
            "beneficiaryType": "BUSINESS",
        }
        begin, end = bounds(self.query)
        return Listed([only][begin:end], False).as_json(dict, self.query)
