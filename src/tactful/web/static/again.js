// A page that is still being counted says so by `data-again`, and is asked for again until it is not. Without this
// script, its link does the same.
"use strict";

const PAUSE_MS = 1500;

async function askAgain() {
  if (document.hidden) return setTimeout(askAgain, PAUSE_MS);
  const main = document.querySelector("main");
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main");
    const isBusy = main.querySelector("details[open]") || main.contains(document.activeElement);
    if (next && !isBusy) main.replaceChildren(...next.childNodes);
  } catch {
    // The server is away; it is asked once more.
  }
  if (document.querySelector("[data-again]")) setTimeout(askAgain, PAUSE_MS);
}

if (document.querySelector("[data-again]")) setTimeout(askAgain, PAUSE_MS);
