"use strict";
{
    // Which fields an entry has depends on its scope; the others are hidden, and not sent.
    function fieldsOf(option) {
        return (option?.dataset.fields || "").split(" ").filter(Boolean);
    }

    function showFieldsOf(select) {
        const entry = select.closest(".inline-related");
        const wanted = fieldsOf(select.selectedOptions[0]);
        for (const name of new Set([...select.options].flatMap(fieldsOf))) {
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
