"use strict";
{
    const key = document.getElementById("new-key");
    const copy = document.getElementById("copy-key");

    // Loading this page again would send the form again and make a second key; from here it shows the key's page.
    history.replaceState(null, "", document.getElementById("key-page").href);

    if (navigator.clipboard) {
        copy.hidden = false;
        copy.addEventListener("click", async () => {
            await navigator.clipboard.writeText(key.textContent);
            copy.textContent = "Copied";
        });
    }
}
