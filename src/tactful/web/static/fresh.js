// Keeps an open page fresh: when the server says that something changed, the page is asked for again and the part marked
// `data-fresh` is exchanged; what was not there before is marked `new`. Nothing is exchanged under the hands of somebody
// who types, chooses or has opened something. Without this script, reload does the same.
"use strict";

const part = document.querySelector("main[data-fresh]");
const pulse = document.querySelector("[data-pulse]");
const LEAST_MS = 1000;

function known(root) {
  return new Set([...root.querySelectorAll("[data-id]")].map((row) => row.dataset.id));
}

function isInUse() {
  const at = document.activeElement;
  return (part.contains(at) && at.matches("input, select, textarea, [contenteditable]")) || part.querySelector("details[open]");
}

let isAsking = false;
let isStale = false;
let askedAt = -LEAST_MS;
let timer = 0;

async function refresh() {
  const wait = askedAt + LEAST_MS - performance.now();
  if (isAsking || document.hidden || wait > 0) {
    if (wait > 0 && !isAsking && !timer) timer = setTimeout(() => { timer = 0; refresh(); }, wait + 1);
    isStale = true;
    return;
  }
  isAsking = true;
  isStale = false;
  askedAt = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) location.reload(); // Signed out meanwhile: the way in is a page of its own.
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main[data-fresh]");
    if (answer.ok && !next && page.querySelector("main")) location.reload(); // Another page by now, with scripts of its own.
    if (next && !isInUse()) {
      const before = known(part);
      for (const row of next.querySelectorAll("[data-id]")) {
        if (before.size && !before.has(row.dataset.id)) row.classList.add("new");
      }
      part.replaceChildren(...next.childNodes);
    }
  } catch {
    isStale = true; // The server is away; the stream comes back when it does.
  } finally {
    isAsking = false;
  }
  if (isStale && !document.hidden) setTimeout(refresh, LEAST_MS);
}

if (part) {
  const news = new EventSource(`/news?since=${part.dataset.news}`);
  news.onopen = () => {
    if (pulse) pulse.textContent = "Live";
    if (pulse && pulse.dataset.away) refresh();
    if (pulse) delete pulse.dataset.away;
  };
  news.onmessage = refresh;
  news.onerror = () => {
    if (pulse) {
      pulse.textContent = "Waiting for the server";
      pulse.dataset.away = "yes";
    }
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isStale) refresh();
  });
  addEventListener("pagehide", () => news.close());
}
