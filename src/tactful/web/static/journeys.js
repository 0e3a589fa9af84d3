// A flow that is wider than its window begins with its middle, where it starts. A page that is still being counted says
// so by `data-again`, and is asked for again until it is not; without this script, its link does the same.
"use strict";

const PAUSE_MS = 1500;

let moved = null; // Where a reader has moved the flow to, for when the page is exchanged under them.

function place() {
  const canvas = document.querySelector(".canvas:has(.flow)");
  if (!canvas || canvas.dataset.placed) return;
  canvas.dataset.placed = "yes";
  const start = canvas.querySelector(".box.start").getBoundingClientRect();
  const frame = canvas.getBoundingClientRect();
  const middle = canvas.scrollLeft + start.left + start.width / 2 - frame.left - frame.width / 2;
  canvas.scrollLeft = moved === null ? middle : moved;
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    canvas.addEventListener(kind, () => setTimeout(() => (moved = canvas.scrollLeft), 400), { passive: true });
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
  nextLook = 0;
  again();
}

let nextLook = 0;

function again() {
  if (!nextLook && document.querySelector("[data-again]")) nextLook = setTimeout(askAgain, PAUSE_MS);
}

function changed() {
  place();
  again();
}

const page = document.querySelector("main");
if (page) new MutationObserver(changed).observe(page, { childList: true });
changed();
