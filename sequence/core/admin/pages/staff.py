"""Staff: who they are, and what they may do."""

from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

from sequence.core.admin.base import StaffAdmin
from sequence.core.models import SecondFactor, TrackedGroupPermission, TrackedUserGroup, TrackedUserPermission

admin.site.unregister(User)
admin.site.unregister(Group)


P = TypeVar("P", User, Group)


class _OnlyForSuperusers(StaffAdmin[P]):
    """Whoever may change staff may give themselves everything, so that a lesser permission would be a pretence."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: P | None = None) -> bool:
        return self.has_add_permission(request)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: object
    ) -> ModelMultipleChoiceField | None:
        if db_field.remote_field.model is Permission:
            kwargs["queryset"] = useful_permissions()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def useful_permissions() -> QuerySet[Permission]:
    """Return the permissions that some page asks for, without those of tables that no page shows."""
    shown = [*admin.site._registry]
    shown += [inline.model for model_admin in admin.site._registry.values() for inline in model_admin.inlines]
    useful = Q(pk=None)
    for model in shown:
        useful |= Q(content_type__app_label=model._meta.app_label, content_type__model=model._meta.model_name)
    staff = Q(content_type__app_label="auth")
    return Permission.objects.filter(useful).exclude(staff & ~Q(codename__startswith="view_"))


@admin.register(User)
class StaffUserAdmin(_OnlyForSuperusers[User], UserAdmin):
    """History names people by their user name: hence nobody is deleted (deactivate instead) or renamed."""

    trail_parts = {TrackedUserPermission: "user", TrackedUserGroup: "user", SecondFactor: "user"}
    list_display = ["username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return ["last_login", "date_joined", "authenticator_app", *(["username"] if obj else [])]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        told = [("Second factor", {"fields": ["authenticator_app"]})] if obj else []
        return [*super().get_fieldsets(request, obj), *told]

    @admin.display(description="authenticator app")
    def authenticator_app(self, obj: User) -> str:
        """Whether there is one; where it is made and removed. The secret is on no page."""
        enrolled_at = SecondFactor.objects.filter(user=obj).values_list("enrolled_at", flat=True).first()
        if enrolled_at is None:
            return f"None. An operator sets it up: manage.py enrol_second_factor {obj.username}"
        return f"Since {enrolled_at:%Y-%m-%d %H:%M} UTC. When it is lost: manage.py remove_second_factor {obj.username}"

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False


@admin.register(Group)
class StaffGroupAdmin(_OnlyForSuperusers[Group], GroupAdmin):  # type: ignore[misc]
    trail_parts = {TrackedGroupPermission: "group"}

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self.has_add_permission(request)
