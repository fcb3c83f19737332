"use strict";
{
    // A slash leads to the search, as it does elsewhere, unless somebody is writing one.
    const writes = (element) => element.isContentEditable || element.matches("input, textarea, select");

    document.addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) {
            return;
        }
        event.preventDefault();
        const box = document.getElementById("search-everything");
        box.focus();
        box.select();
    });
}
