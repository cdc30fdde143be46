// Makes writing a menu kinder: the names offered beside a key fit what it does, and the newest bubble is in sight.
// Everything works without it.
"use strict";

const OFFERED = { goto: "question-names", transfer: "menu-names" };
const EXAMPLES = { connect: "+44 20 7946 0101", return: "sales" };

function fit(row) {
  const does = row.querySelector(".field-does select");
  const target = row.querySelector(".field-target input");
  if (!does || !target) return;
  const offered = OFFERED[does.value];
  if (offered) target.setAttribute("list", offered);
  else target.removeAttribute("list");
  target.placeholder = EXAMPLES[does.value] || "";
}

for (const row of document.querySelectorAll(".key-row")) {
  fit(row);
  row.addEventListener("change", () => fit(row));
}

const newest = document.querySelector(".bubbles #now");
if (newest) newest.scrollIntoView({ block: "nearest" });
