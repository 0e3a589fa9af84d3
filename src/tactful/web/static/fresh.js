// Keeps an open page fresh: when the server says that something changed, the page is asked for again and the part marked
// `data-fresh` is exchanged; what was not there before is marked `new`. Without this script, reload does the same.
"use strict";

const part = document.querySelector("main[data-fresh]");
const pulse = document.querySelector("[data-pulse]");

function known(root) {
  return new Set([...root.querySelectorAll("[data-id]")].map((row) => row.dataset.id));
}

let isAsking = false;
let isStale = false;

async function refresh() {
  if (isAsking || document.hidden) {
    isStale = true;
    return;
  }
  isAsking = true;
  isStale = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("main[data-fresh]");
    const isTyping = part.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
    if (next && !isTyping) {
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
  if (isStale && !document.hidden) setTimeout(refresh, 1000);
}

if (part) {
  const news = new EventSource("/news");
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
