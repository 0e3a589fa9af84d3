// A flow that is wider than its window begins with its middle, where it starts. A page that is still being counted says
// so by `data-again`, and is asked for again until it is not; without this script, its link does the same.
"use strict";

const PAUSE_MS = 1500;

function centre() {
  for (const canvas of document.querySelectorAll(".canvas:has(.flow)")) {
    const start = canvas.querySelector(".box.start").getBoundingClientRect();
    const frame = canvas.getBoundingClientRect();
    canvas.scrollLeft += start.left + start.width / 2 - frame.left - frame.width / 2;
  }
}

async function askAgain() {
  const main = document.querySelector("main");
  const isBusy = document.hidden || main.querySelector("details[open]") || main.contains(document.activeElement);
  try {
    if (!isBusy) {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("main");
      if (next) main.replaceChildren(...next.childNodes);
    }
  } catch {
    // The server is away; it is asked once more.
  }
  if (document.querySelector("[data-again]")) setTimeout(askAgain, PAUSE_MS);
}

centre();
if (document.querySelector("[data-again]")) setTimeout(askAgain, PAUSE_MS);
