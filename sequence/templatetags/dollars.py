"""``{% load dollars %}``: cents as dollars in a template."""

from django import template

from sequence.core.admin.display import dollars

register = template.Library()
register.filter("dollars", dollars)
