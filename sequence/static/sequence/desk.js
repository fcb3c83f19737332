"use strict";
{
    // Ticking and deciding by keys. Without this script the page does all of it by links, ticks and buttons.
    const desk = document.getElementById("desk");
    const rows = desk ? [...desk.querySelectorAll(".row")] : [];
    let place = -1;

    function boxOf(row) {
        return row.querySelector("input[type=checkbox]");
    }

    function ticked() {
        return rows.filter((row) => boxOf(row).checked);
    }

    function dollars(cents) {
        return (cents / 100).toLocaleString("en-US", {style: "currency", currency: "USD"});
    }

    function tell() {
        const chosen = ticked();
        const cents = chosen.reduce((sum, row) => sum + Number(row.dataset.cents), 0);
        for (const words of desk.querySelectorAll("button .ticked")) {
            words.textContent = chosen.length ? `${chosen.length} (${dollars(cents)})` : "what is ticked";
        }
    }

    function standOn(index) {
        place = Math.max(0, Math.min(rows.length - 1, index));
        rows.forEach((row, at) => row.classList.toggle("stands", at === place));
        boxOf(rows[place]).focus();
        rows[place].scrollIntoView({block: "nearest"});
    }

    function tick(which) {
        for (const row of rows) {
            boxOf(row).checked = which === "all" || (which === "payable" && row.dataset.payable === "yes");
        }
        tell();
    }

    // One key never moves money: where nothing is ticked, it ticks the row that one stands on, and waits.
    function decide(decision) {
        if (ticked().length) {
            desk.querySelector(`button[value=${decision}]`).click();
        } else if (place >= 0) {
            boxOf(rows[place]).checked = true;
            tell();
        }
    }

    const KEYS = {
        j: () => standOn(place + 1),
        k: () => standOn(place - 1),
        a: () => decide("approve"),
        r: () => decide("reject"),
    };

    function isTyping(element) {
        return element.matches("textarea, select, input:not([type=checkbox])");
    }

    function begin() {
        desk.querySelector(".keys").hidden = false;
        desk.addEventListener("change", tell);
        desk.addEventListener("focusin", (event) => {
            const row = event.target.closest(".row");
            if (row) {
                place = rows.indexOf(row);
            }
        });
        for (const link of desk.querySelectorAll("a[data-tick]")) {
            link.addEventListener("click", (event) => {
                event.preventDefault();
                tick(link.dataset.tick);
            });
        }
        document.addEventListener("keydown", (event) => {
            const act = KEYS[event.key];
            if (act && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !isTyping(event.target)) {
                event.preventDefault();
                act();
            }
        });
        tell();
    }

    if (rows.length) {
        begin();
    }
}
