// Shows beside a condition that is being written what it says of everybody, and moves thresholds. Without this script the
// page /segments/preview shows the same.
"use strict";

const PAUSE_MS = 900;
const TURN = Math.random().toString(36).slice(2); // Of what this page asks, only the newest is answered.
const place = document.getElementById("preview");
const paper = document.querySelector("textarea[data-check]");
const field = paper ?? document.querySelector("form.asking [name=expression]"); // Into which a threshold is written.
const builder = document.getElementById("builder");

function condition() {
  return paper ? paper.value : document.querySelector("#writes pre code")?.textContent ?? "";
}

let asked = 0;
let timer = 0;
let shown = null;
let asking = null;

async function look() {
  const when = condition().trim();
  if (when === shown || when === asking || !when) return;
  asking = when;
  const number = ++asked;
  place.setAttribute("aria-busy", "true");
  const purpose = document.querySelector("form.editor")?.elements.purpose?.value ?? "";
  try {
    const answer = await fetch(`/segments/preview?${new URLSearchParams({ expression: when, purpose })}`, { headers: { "X-Part": "preview", "X-Turn": TURN } });
    if (answer.status !== 200 || number !== asked) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (number !== asked) return;
    shown = when;
    place.replaceChildren(...next.childNodes);
    movable();
  } catch {
    // The server is away; the next change asks again.
  } finally {
    if (number === asked) {
      asking = null;
      place.removeAttribute("aria-busy");
    }
  }
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
}

function movable() {
  for (const section of place.querySelectorAll(".spread")) {
    const steps = JSON.parse(section.dataset.steps);
    const row = section.querySelector(".movable");
    if (steps.length < 2) continue;
    const [range, output, button] = [row.querySelector("input"), row.querySelector("output"), row.querySelector("button")];
    const bars = [...section.querySelectorAll(".bar")];
    const everybody = Number(section.dataset.everybody);
    const move = () => {
      const at = Number(range.value);
      const { said, people, bars: [first, end] } = steps[at];
      output.textContent = `${said}: ${people.toLocaleString("en")} people (${((people / everybody) * 100).toFixed(1)} %)`;
      range.setAttribute("aria-valuetext", output.textContent);
      bars.forEach((bar, number) => bar.classList.toggle("still", number < first || number >= end));
    };
    row.hidden = false;
    if (field && section.dataset.offset) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const { text } = steps[Number(range.value)];
        if (!text || field.value.trim() !== shown) return;
        const before = field.value.length - field.value.trimStart().length;
        field.setRangeText(text, before + Number(section.dataset.offset), before + Number(section.dataset.end), "end");
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.focus();
        if (!paper) field.form.requestSubmit();
      });
    }
    range.addEventListener("input", move);
    move();
  }
}

if (place && (paper || builder)) {
  paper?.addEventListener("input", later);
  if (builder) new MutationObserver(later).observe(builder, { childList: true, subtree: true });
  later();
} else if (place) {
  shown = field?.value.trim() ?? null;
  movable();
}
