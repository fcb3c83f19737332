"use strict";
{
    // Which fields an entry has depends on its scope; the others are hidden, and not sent.
    const FIELDS = {
        ACCOUNT: ["accounts"],
        RULE: ["rules"],
        TRIGGER: [
            "max_execute_amount_cents",
            "max_count_per_day",
            "max_count_per_week",
            "max_count_per_month",
        ],
        ACCOUNT_PAIR: [
            "source",
            "target",
            "max_amount_cents",
            "max_amount_per_day_cents",
            "max_amount_per_week_cents",
            "max_amount_per_month_cents",
            "approval_above_cents",
            "no_limit",
        ],
    };
    const OPTIONAL = Object.values(FIELDS).flat();

    function showFieldsOf(select) {
        const entry = select.closest(".inline-related");
        const wanted = [
            ...(FIELDS[select.selectedOptions[0]?.dataset.kind] || []),
            ...(select.value === "TRIGGER_RULES" ? FIELDS.TRIGGER : []),
        ];
        for (const name of OPTIONAL) {
            const isWanted = wanted.includes(name);
            for (const element of entry.querySelectorAll(`.form-row.field-${name}, .fieldBox.field-${name}`)) {
                // A row that holds several fields goes when the one that is looked at goes: they belong together.
                element.hidden = !isWanted;
                for (const input of element.querySelectorAll("input, select")) {
                    input.disabled = !isWanted;
                }
            }
        }
    }

    function begin() {
        for (const select of document.querySelectorAll("select.scope")) {
            showFieldsOf(select);
        }
        document.addEventListener("change", (event) => {
            if (event.target.matches("select.scope")) {
                showFieldsOf(event.target);
            }
        });
        document.addEventListener("formset:added", (event) => {
            const select = event.target.querySelector("select.scope");
            if (select) {
                showFieldsOf(select);
            }
        });
    }

    if (document.readyState === "loading") {
        document.addEventListener("DOMContentLoaded", begin);
    } else {
        begin();
    }
}
