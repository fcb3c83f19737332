from sequence.core.admin.groups import GroupChange, bring_up_to_date
from sequence.core.commands.base import OperatorCommand
from sequence.core.typing import JsonObject


class Command(OperatorCommand):
    help = (
        "Make the staff groups viewers, operators and administrators, and let each have exactly what it is to have. "
        "A migration makes them where they are missing; this also undoes what was changed by hand."
    )

    def run(self, **options: object) -> JsonObject:
        return {change.name: _facts(change) for change in self.audited(bring_up_to_date)}

    def tell(self, facts: JsonObject) -> None:
        for name, group in facts.items():
            self.stdout.write(f"{name}: {len(group['permissions'])} permissions")
            for sign, listed in (("+", group["given"]), ("-", group["taken"])):
                self.stdout.writelines(f"  {sign} {permission}" for permission in listed)
        self.stdout.write("With --json, all permissions of each are listed. Put people into them: create_staff_user.")


def _facts(change: GroupChange) -> JsonObject:
    return {"permissions": change.permissions, "given": change.given, "taken": change.taken}
