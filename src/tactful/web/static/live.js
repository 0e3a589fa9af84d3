// Rows of live events, as the server sends them: at most twice a second, at most twenty at a time, the others counted. No
// more than a hundred stay on the page. While the page is hidden, or paused, nothing is asked for.
"use strict";

const list = document.querySelector("[data-live]");
const MOST = 100;
const QUIET_MS = 2500;

if (list) {
  const said = document.querySelector("[data-live-said]");
  const pause = document.querySelector("[data-live-pause]");
  const pulse = document.querySelector("[data-pulse]");
  let stream = null;
  let isPaused = false;
  let passed = 0;
  let quiet = 0;

  const number = (value) => value.toLocaleString("en");

  function say(told) {
    passed += told.came - told.shown;
    clearTimeout(quiet);
    quiet = setTimeout(() => (said.textContent = "Nothing comes at the moment."), QUIET_MS);
    if (!told.came && !told.perSecond) {
      said.textContent = "Nothing comes at the moment.";
      return;
    }
    const rate = told.perSecond >= 10 ? Math.round(told.perSecond) : told.perSecond;
    said.textContent = `${number(rate)} events a second${passed ? `; ${number(passed)} came too fast to be shown` : ""}.`;
  }

  function show(told) {
    say(told);
    if (!told.rows) return;
    document.querySelector("[data-live-none]")?.remove();
    const known = new Set([...list.children].slice(0, MOST).map((row) => row.dataset.id));
    const fresh = document.createElement("template");
    fresh.innerHTML = told.rows;
    const rows = [...fresh.content.children].filter((row) => !known.has(row.dataset.id));
    if (told.perSecond < 20) for (const row of rows) row.classList.add("new");
    list.prepend(...rows);
    while (list.children.length > MOST) list.lastElementChild.remove();
  }

  function open() {
    if (stream || isPaused || document.hidden) return;
    stream = new EventSource(list.dataset.live);
    stream.onopen = () => {
      pulse.textContent = "Live";
      delete pulse.dataset.away;
    };
    stream.onmessage = (message) => {
      const told = JSON.parse(message.data);
      requestAnimationFrame(() => show(told));
    };
    stream.onerror = () => {
      pulse.textContent = "Waiting for the server";
      pulse.dataset.away = "yes";
    };
  }

  function close() {
    stream?.close();
    stream = null;
    clearTimeout(quiet);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Go on" : "Pause";
    if (isPaused) {
      close();
      said.textContent = "Paused. What comes meanwhile is not lost, only not shown here.";
      pulse.textContent = "Paused";
    } else {
      open();
    }
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
