// Looks at what is typed at every pause: underlines the place, says what is wrong and what to write instead, and how many
// people there are. Without this script, the next page says the same.
"use strict";

const PAUSE_MS = 350;
const TURN = Math.random().toString(36).slice(2); // Of what this page asks, only the newest is answered.

class Paper {
  constructor(area) {
    this.area = area;
    this.said = document.getElementById(area.getAttribute("aria-describedby"));
    this.marks = document.createElement("div");
    this.marks.className = "marks";
    this.marks.setAttribute("aria-hidden", "true");
    area.parentElement.classList.toggle("off", area.wrap === "off");
    area.before(this.marks);
    this.asked = 0;
    this.draw([]);
    area.addEventListener("input", () => this.changed());
    area.addEventListener("scroll", () => this.follow());
    area.form.addEventListener("submit", () => { this.isLeaving = true; });
    this.was = area.value;
    if (area.dataset.path) this.look();
    else this.look({ isFirst: true });
    addEventListener("beforeunload", (event) => {
      if (!this.isLeaving && area.value !== this.was) event.preventDefault();
    });
  }

  changed() {
    this.draw([]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE_MS);
  }

  follow() {
    this.marks.scrollTop = this.area.scrollTop;
    this.marks.scrollLeft = this.area.scrollLeft;
  }

  // [{offset, end, tone}] in the order of their places.
  draw(places) {
    const text = this.area.value;
    const pieces = [];
    let at = 0;
    for (const { offset, end, tone } of places) {
      if (offset < at) continue;
      const mark = document.createElement("mark");
      mark.className = tone;
      mark.textContent = text.slice(offset, end) || " ";
      pieces.push(text.slice(at, offset), mark);
      at = Math.max(end, offset);
    }
    this.marks.replaceChildren(...pieces, text.slice(at) + "\n");
    this.follow();
  }

  async ask(url, fields) {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "", "X-Turn": TURN },
      body: new URLSearchParams(fields),
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  async look() {
    const number = ++this.asked;
    const text = this.area.value;
    try {
      const found = await this.ask(this.area.dataset.check, { text, path: this.area.dataset.path ?? "" });
      if (number !== this.asked) return;
      if (this.area.dataset.path) this.tellFile(found);
      else await this.tellCondition(found, text, number);
    } catch {
      if (number === this.asked) this.tell([line("busy", "The server cannot be reached; this is looked at again with the next change.")]);
    }
  }

  // ---- a condition

  async tellCondition(found, text, number) {
    if (found.problem) {
      this.draw([{ ...found.problem, tone: "" }]);
      this.tell([this.wrong(found.problem)]);
      return;
    }
    this.draw(found.remarks.map((one) => ({ ...one, tone: "warn" })));
    const remarks = found.remarks.map((one) => line("remark", one.message + (one.hint ? `: ${one.hint}` : "")));
    this.tell([line("busy", "Counting …"), ...remarks]);
    const asked = { text, purpose: this.area.form.elements.purpose?.value ?? "" };
    const { people } = await this.ask(this.area.dataset.matching, asked);
    if (number === this.asked) this.tell([line("people", people), ...remarks]);
  }

  wrong(problem) {
    const told = line("wrong", "");
    const message = document.createElement("b");
    message.textContent = problem.message;
    told.append(message);
    if (problem.hint) told.append(" ", span("proposal", problem.hint));
    if (problem.instead) {
      const mend = document.createElement("button");
      mend.type = "button";
      mend.className = "mend";
      mend.textContent = `Write ${problem.instead}`;
      mend.addEventListener("click", () => {
        this.area.focus();
        this.area.setRangeText(problem.instead, problem.offset, problem.end, "end");
        this.area.dispatchEvent(new Event("input"));
      });
      told.append(" ", mend);
    }
    return told;
  }

  // ---- a file

  tellFile(found) {
    const here = this.area.dataset.path;
    const places = [...found.problems.map((one) => [one, ""]), ...found.warnings.map((one) => [one, "warn"])]
      .filter(([one]) => one.file === here)
      .map(([one, tone]) => ({ ...this.place(one), tone }))
      .sort((one, other) => one.offset - other.offset);
    this.draw(places);
    if (found.refused) this.tell([line("wrong", found.refused)]);
    else if (found.problems.length === 0 && found.warnings.length === 0) this.tell([line("people", "Fine: the whole project can be published.")]);
    else this.tell([...found.problems.map((one) => this.said_of(one, "wrong")), ...found.warnings.map((one) => this.said_of(one, "remark"))]);
  }

  // Line and column count from 1.
  place({ line, column }) {
    const lines = this.area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    const offset = Math.min(start + column - 1, this.area.value.length);
    const word = /^("[^"\n]*"|[\w.$-]+|.)/.exec(this.area.value.slice(offset)) ?? [" "];
    return { offset, end: offset + word[0].length };
  }

  said_of(one, tone) {
    const told = line(tone, "");
    const isHere = one.file === this.area.dataset.path;
    const message = document.createElement("b");
    message.textContent = one.message;
    told.append(message, " ", span("proposal", one.hint ? `${one.hint} ` : ""));
    if (isHere) {
      const go = document.createElement("button");
      go.type = "button";
      go.className = "link";
      go.textContent = `line ${one.line}`;
      go.addEventListener("click", () => {
        const { offset, end } = this.place(one);
        this.area.focus();
        this.area.setSelectionRange(offset, end);
      });
      told.append(go);
    } else told.append(span("proposal", `${one.file}, line ${one.line}`));
    return told;
  }

  tell(lines) {
    this.said.replaceChildren(...lines);
  }
}

function line(tone, text) {
  const made = document.createElement("p");
  made.className = tone;
  made.textContent = text;
  return made;
}

function span(tone, text) {
  const made = document.createElement("span");
  made.className = tone;
  made.textContent = text;
  return made;
}

for (const area of document.querySelectorAll("textarea[data-check]")) new Paper(area);
