/* Fetches the running calls again every five seconds, unless nobody looks or somebody is at work in the table. */
(() => {
  "use strict";
  const EVERY_MS = 5000;
  const switchBox = document.getElementById("refresh");
  const trouble = document.getElementById("refresh-trouble");
  if (!switchBox || !trouble) return;
  switchBox.hidden = false;
  const wanted = switchBox.querySelector("input");

  const table = () => document.getElementById("live-calls");
  const atWork = () => table().contains(document.activeElement) || !document.getSelection().isCollapsed;

  const address = new URL(window.location.href);
  address.searchParams.set("part", "table");

  async function refresh() {
    const answer = await fetch(address, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live-calls");
    if (!answer.ok || !fresh) throw new Error("This is not the list of running calls.");
    if (atWork()) return;
    const before = table().querySelector(".scroll");
    table().replaceWith(fresh);
    const after = fresh.querySelector(".scroll");
    // Whoever has scrolled sideways on a small screen stays there.
    if (before && after) after.scrollLeft = before.scrollLeft;
  }

  async function everyTurn() {
    if (wanted.checked && !document.hidden && !atWork()) {
      try {
        await refresh();
        trouble.hidden = true;
      } catch {
        trouble.hidden = false;
      }
    }
    window.setTimeout(everyTurn, EVERY_MS);
  }
  window.setTimeout(everyTurn, EVERY_MS);
})();
