"""What tests of the admin's pages of keys fill in, and read from them."""

import re

from apikeys import services
from apikeys.entries import parse_permissions
from tests.client import Api

NEW_KEY = "/admin/apikeys/apikey/add/"
TOKEN = re.compile(r'id="new-key"[^>]*>(sk_[0-9A-Za-z]+)<')


def create_key(organization, *permissions, name="Agent"):
    return services.create_api_key(
        organization=organization, name=name, permissions=parse_permissions(permissions), created_by="staff:zoe"
    )


def entries(*forms, initial=0):
    """Return the fields of the permission entries as the page sends them."""
    sent = {"entries-TOTAL_FORMS": len(forms), "entries-INITIAL_FORMS": initial}
    for index, form in enumerate(forms):
        sent.update({f"entries-{index}-{name}": value for name, value in form.items()})
    return sent


def post_new_key(staff, organization, *forms, **fields):
    given = {"name": "Budget agent", **fields, **entries(*forms)}
    return staff.post(f"{NEW_KEY}?organization={organization.id}", given)


def errors_of(response):
    """Return the faults of the entries' fields, and those of all entries together."""
    [inline] = response.context["inline_admin_formsets"]
    return [dict(errors) for errors in inline.formset.errors], list(inline.formset.non_form_errors())


def status_with(token):
    return Api(token).get("/accounts").status_code
