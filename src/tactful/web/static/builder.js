// Keeps the rows of drop-downs where they are: a button or a choice asks the server for the rows as they are then, instead
// of for a whole page; how many people there are is asked for after them, and waited for by nobody. Without this script, the same buttons send the form.
"use strict";

const PAUSE_MS = 350;
const TURN = Math.random().toString(36).slice(2); // Of what this page asks, only the newest is answered.
const builder = document.getElementById("builder");

if (builder) {
  document.documentElement.classList.add("scripted");
  const form = builder.closest("form");
  let asked = 0;
  let timer = 0;

  async function refresh(doing, isWhole) {
    const number = ++asked;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("do", doing);
    let text;
    try {
      const answer = await fetch(form.getAttribute("action") ?? location.pathname, {
        method: "POST",
        headers: { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "", "X-Part": isWhole ? "rows" : "told", "X-Turn": TURN },
        body: fields,
      });
      if (answer.status !== 200) return;
      text = await answer.text();
    } catch {
      return; // The server is away; the next change asks again.
    }
    if (number !== asked) return;
    const next = new DOMParser().parseFromString(text, "text/html").body;
    if (!isWhole) {
      document.getElementById("writes").replaceWith(next.querySelector("#writes"));
      return;
    }
    const held = document.activeElement?.id;
    const before = new Set([...builder.querySelectorAll("[name]")].map((each) => each.name));
    builder.replaceChildren(...next.childNodes);
    const added = [...builder.querySelectorAll("select, input:not([type=hidden]), textarea")].find((each) => !before.has(each.name));
    const kept = held ? document.getElementById(held) : null;
    if (doing.startsWith("add") && added) added.focus();
    else if (kept) kept.focus();
    else if (doing.startsWith("remove")) (builder.querySelector(".adding button") ?? builder.querySelector("select"))?.focus();
    if (builder.querySelector(".said .busy")) refresh("more", false);
  }

  if (builder.querySelector(".said .busy")) refresh("more", false);
  builder.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button) return;
    event.preventDefault();
    refresh(button.value, true);
  });
  builder.addEventListener("change", (event) => {
    if (event.target.matches("[data-shape]")) refresh("more", true);
  });
  builder.addEventListener("input", (event) => {
    if (event.target.matches("[data-shape]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => refresh("more", false), PAUSE_MS);
  });
  builder.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      refresh("more", false);
    }
  });
}
