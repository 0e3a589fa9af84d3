// Completion for conditions: a list below the caret (ARIA: a text box with a listbox pop-up), from what `tactful vocabulary`
// says of the project. Arrows choose, Enter or Tab takes, Escape closes, Ctrl+Space opens. It knows where the caret stands:
// inside the quotes of an event, after last=, within where=, behind profile. and the like.
"use strict";

const MOST_OFFERS = 60;
const DURATIONS = ["1h", "24h", "7d", "14d", "30d", "60d", "90d", "180d", "365d"].map((name) => ({ name, help: "" }));
const KINDS_OF_NAMES = { segment: "segments", consents: "purposes", score: "models", percentile: "metrics" };

// What stands before the caret: {string: start of an open text or -1, word, calls: [{name, events, option, isFirst}]}.
function context(text) {
  const calls = [];
  let at = 0;
  let string = -1;
  while (at < text.length) {
    const char = text[at];
    if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < text.length && text[end] !== char) end += text[end] === "\\" ? 2 : 1;
      if (end >= text.length) {
        string = at;
        break;
      }
      const top = calls[calls.length - 1];
      if (top && top.isFirst) top.events.push(text.slice(at + 1, end));
      at = end + 1;
      continue;
    }
    const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(text.slice(at));
    if (word) {
      const after = at + word[0].length;
      const rest = /^\s*([(=])(?!=)/.exec(text.slice(after));
      if (rest && rest[1] === "(") {
        calls.push({ name: word[0], events: [], option: "", isFirst: true });
        at = after + rest[0].length;
        continue;
      }
      if (rest && rest[1] === "=" && calls.length) {
        calls[calls.length - 1].option = word[0];
        at = after + rest[0].length;
        continue;
      }
      at = after;
      continue;
    }
    if (char === "(" || char === "[") {
      const top = calls[calls.length - 1];
      const isList = top && top.isFirst && !top.option;
      calls.push({ name: "", events: isList ? top.events : [], option: top?.option ?? "", isFirst: isList, isIn: top });
    } else if (char === ")" || char === "]") calls.pop();
    else if (char === ",") {
      const top = calls[calls.length - 1];
      if (top && !top.isIn) {
        top.isFirst = top.name === "sequence";
        top.option = "";
      }
    } else if (char === "#") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    }
    at += 1;
  }
  const word = string < 0 ? /[\p{L}_][\p{L}\p{N}_.]*$/u.exec(text)?.[0] ?? "" : text.slice(string + 1);
  return { string, word, calls };
}

// [{name, help, insert, from}] for a caret at the end of `before`.
function offers(before, vocabulary) {
  const { string, word, calls } = context(before);
  const call = calls.findLast((one) => one.name || one.isIn);
  const of = calls.findLast((one) => one.name);
  const known = new Map(vocabulary.functions.map((one) => [one.name, one]));
  if (string >= 0) {
    const from = string + 1;
    const quoted = (list) => list.map(({ name, help, seen }) => ({ name, help: help || (seen ? `${seen.toLocaleString("en")} in 7 days` : ""), insert: name, from }));
    if (!of) return [];
    if (["last", "within", "between"].includes(of.option)) return quoted(DURATIONS);
    if (of.name in KINDS_OF_NAMES) return quoted(vocabulary[KINDS_OF_NAMES[of.name]]);
    const isEvents = ["events", "steps"].includes(known.get(of.name)?.group) && !of.option && call.isFirst;
    return isEvents ? quoted(vocabulary.events) : [];
  }
  const from = before.length - word.length;
  const dot = word.lastIndexOf(".");
  if (dot >= 0) {
    const root = word.slice(0, dot);
    const collection = vocabulary.collections.find((one) => one.name === root);
    const parts = root === "profile" || root === "traits" ? vocabulary.traits : collection ? collection.parts : [];
    return parts.map(({ name, help, type }) => ({ name, help: help || type, insert: name, from: from + dot + 1 }));
  }
  const isInEvent = of && ["events", "steps"].includes(known.get(of.name)?.group) && (of.option === "where" || of.option === "same" || !of.isFirst);
  const plain = (list) => list.map(({ name, help, type }) => ({ name, help: help || type || "", insert: name, from }));
  const options = of && !of.option ? (known.get(of.name)?.options ?? []).map((one) => ({ name: `${one.name}=`, help: one.help, insert: `${one.name}=`, from })) : [];
  const words = plain(vocabulary.keywords);
  if (isInEvent) {
    const events = vocabulary.events.filter((one) => of.events.includes(one.name));
    const own = plain(events.flatMap((one) => one.properties));
    const values = vocabulary.functions.filter((one) => one.group === "values").map((one) => taken(one, from));
    return of.option ? [...own, ...plain(vocabulary.roots.filter((one) => one.name !== "traits")), ...values, ...words] : [...options, ...own];
  }
  return [
    ...options,
    ...vocabulary.functions.filter((one) => one.name !== "event").map((one) => taken(one, from)),
    ...plain(vocabulary.traits),
    ...vocabulary.collections.flatMap((one) => one.parts.map((part) => ({ name: `${one.name}.${part.name}`, help: part.help, insert: `${one.name}.${part.name}`, from }))),
    ...words,
    ...plain(vocabulary.roots.filter((one) => one.name === "profile")),
  ];
}

function taken(one, from) {
  const wantsName = ["events", "steps"].includes(one.group) || one.name in KINDS_OF_NAMES;
  return { name: one.signature, help: one.help, insert: wantsName ? `${one.name}("` : `${one.name}(`, from, isOpen: wantsName };
}

class Completion {
  constructor(area) {
    this.area = area;
    this.list = document.createElement("ul");
    this.list.className = "offers";
    this.list.id = `${area.id}-offers`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Completions");
    area.after(this.list);
    area.setAttribute("aria-autocomplete", "list");
    area.setAttribute("aria-haspopup", "listbox");
    area.setAttribute("aria-controls", this.list.id);
    area.addEventListener("input", () => this.open(false));
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => this.close());
    area.addEventListener("click", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.take(Number(item.dataset.number));
    });
  }

  async vocabulary() {
    this.asked ??= fetch(this.area.dataset.complete).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    const found = await this.asked;
    if (!found) this.asked = undefined;
    return found;
  }

  async open(isAsked) {
    const vocabulary = await this.vocabulary();
    const { value, selectionStart, selectionEnd } = this.area;
    if (!vocabulary || selectionStart !== selectionEnd || document.activeElement !== this.area) return this.close();
    const before = value.slice(0, selectionStart);
    const found = offers(before, vocabulary);
    const typed = found.length ? before.slice(found[0].from).toLowerCase() : "";
    const isInText = context(before).string >= 0;
    if (!isAsked && !typed && !isInText && !/[(,]\s*$/.test(before)) return this.close();
    const ranked = found
      .map((one) => ({ one, rank: rank(one, before.slice(one.from).toLowerCase()) }))
      .filter(({ rank }) => rank < 9)
      .sort((one, other) => one.rank - other.rank)
      .map(({ one }) => one);
    const names = new Set();
    this.found = ranked.filter(({ insert }) => !names.has(insert) && names.add(insert)).slice(0, MOST_OFFERS);
    const only = this.found.length === 1 && this.found[0].insert === before.slice(this.found[0].from);
    if (this.found.length === 0 || only) return this.close();
    this.draw();
    this.choose(0);
  }

  draw() {
    this.list.replaceChildren(
      ...this.found.map((one, number) => {
        const item = document.createElement("li");
        item.id = `${this.list.id}-${number}`;
        item.dataset.number = number;
        item.setAttribute("role", "option");
        const code = document.createElement("code");
        code.textContent = one.name;
        const help = document.createElement("span");
        help.textContent = one.help;
        item.append(code, help);
        return item;
      }),
    );
    const { left, top } = this.caret();
    this.list.hidden = false;
    const room = this.area.parentElement.clientWidth - this.list.offsetWidth;
    this.list.style.left = `${Math.max(0, Math.min(left, room))}px`;
    this.list.style.top = `${top}px`;
  }

  // Where the word begins, measured in the copy that bears the marks (editor.js).
  caret() {
    const marks = this.area.parentElement.querySelector(".marks");
    const from = this.found[0].from;
    if (!marks) return { left: 0, top: this.area.offsetHeight };
    const range = document.createRange();
    let rest = from;
    const walker = document.createTreeWalker(marks, NodeFilter.SHOW_TEXT);
    let node = walker.nextNode();
    while (node && rest > node.length) {
      rest -= node.length;
      node = walker.nextNode();
    }
    if (!node) return { left: 0, top: this.area.offsetHeight };
    range.setStart(node, rest);
    range.setEnd(node, rest);
    const [at, around] = [range.getBoundingClientRect(), this.area.parentElement.getBoundingClientRect()];
    return { left: at.left - around.left, top: at.bottom - around.top + 4 };
  }

  choose(number) {
    this.chosen = (number + this.found.length) % this.found.length;
    for (const item of this.list.children) item.setAttribute("aria-selected", String(Number(item.dataset.number) === this.chosen));
    const item = this.list.children[this.chosen];
    item.scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", item.id);
  }

  take(number) {
    const one = this.found[number];
    this.close();
    this.area.setRangeText(one.insert, one.from, this.area.selectionStart, "end");
    this.area.dispatchEvent(new Event("input"));
    if (one.isOpen || one.insert.endsWith("=")) this.open(true);
    else this.close();
  }

  key(event) {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.open(true);
      return;
    }
    if (this.list.hidden) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) this.choose(this.chosen + steps[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") this.take(this.chosen);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }
}

// 0: begins so; 1: a word in it begins so; 2: it is somewhere in it; 9: not at all.
function rank(one, typed) {
  if (!typed) return 0;
  const name = one.insert.replace(/[("=]+$/, "").toLowerCase();
  if (name.startsWith(typed)) return 0;
  if (name.split(/[\s_.]+/).some((word) => word.startsWith(typed))) return 1;
  return name.includes(typed) ? 2 : 9;
}

for (const area of document.querySelectorAll("textarea[data-complete]")) new Completion(area);
