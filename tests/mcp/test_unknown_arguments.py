"""Arguments that a tool does not have: told together with all else that is wrong, so that one more try is enough."""

import pytest

from transfers.models import Transfer


class TestUnknownArguments:
    @pytest.mark.parametrize(
        ("tool", "arguments", "told"),
        [
            (
                "createTransfer",
                {"amount": 5, "sourceAccountId": 5, "simulation": 1},
                {
                    "amount": "unknown_field",
                    "sourceAccountId": "invalid",
                    "destinationAccountId": "required",
                    "amountInCents": "required",
                    "simulation": "invalid",
                },
            ),
            (
                "listTransfers",
                {"acountIds": [], "page": 0, "status": "DONE"},
                {"acountIds": "unknown_field", "page": "invalid", "status": "invalid_choice", "accountIds": "required"},
            ),
            (
                "whyNotRule",
                {"rule": "x", "ruleId": 5},
                {"rule": "unknown_field", "ruleId": "invalid", "transferId": "required"},
            ),
            (
                "dryRunTransfer",
                {"amount": 5, "amountInCents": 99},
                {
                    "amount": "unknown_field",
                    "amountInCents": "min_value",
                    "sourceAccountId": "required",
                    "destinationAccountId": "required",
                },
            ),
            (
                "triggerRule",
                {"amount": 5, "simulatedIncomingFunds": 5},
                {"amount": "unknown_field", "id": "required", "simulatedIncomingFunds": "not_allowed"},
            ),
        ],
    )
    def test_are_told_with_all_else_that_is_wrong(self, assistant, tool, arguments, told):
        refused = assistant.refusal(tool, **arguments)

        assert refused["code"] == "INVALID_PARAMETERS"
        assert {detail["field"]: detail["code"] for detail in refused["details"]} == told
        assert len(refused["details"]) == len(told)
        assert not Transfer.objects.filter(api_key__isnull=False).exists()
