"""Step before a form that depends on the organization: which one is it for?"""

from django import forms
from django.http import QueryDict

from apikeys.models import Organization, OrganizationStatus


class ChooseOrganization(forms.Form):
    """Which active organization something new is for. Its answer goes into the address of the form that follows."""

    organization = forms.ModelChoiceField(queryset=Organization.objects.none(), empty_label="Choose an organization")

    def __init__(self, given: QueryDict | None) -> None:
        super().__init__(given)
        # Made anew for each form: a queryset on the class would remember the names of the first one.
        self.fields["organization"].queryset = Organization.objects.filter(  # type: ignore[attr-defined]
            status=OrganizationStatus.ACTIVE
        ).order_by("name", "id")
