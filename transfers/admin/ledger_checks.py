"""Ledger checks that ran, and what they found. Read only, for everybody."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from sequence.core.admin.base import ReadOnlyAdmin
from sequence.core.admin.display import badge
from transfers.models import LedgerCheck


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin[LedgerCheck]):
    list_display = ["started_at", "verdict", "checks", "by", "took"]
    ordering = ["-started_at"]
    fields = ("verdict", "found", "started_at", "took", "checks", "by")
    readonly_fields = fields

    @admin.display(description="verdict")
    def verdict(self, obj: LedgerCheck) -> SafeString:
        return badge("Right", "good") if obj.is_clean else badge(f"{len(obj.faults)} faults", "bad")

    @admin.display(description="took")
    def took(self, obj: LedgerCheck) -> str:
        return f"{(obj.finished_at - obj.started_at).total_seconds():.1f} s"

    @admin.display(description="what is wrong")
    def found(self, obj: LedgerCheck) -> SafeString | str:
        lines = ((fault["subject"], fault["message"], fault["check"]) for fault in obj.faults)
        return format_html_join("", "<p>{}: {} ({})</p>", lines) or "Nothing."
