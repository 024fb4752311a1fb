// The live inbox: rows that arrive, change and go while somebody works in it, and the keyboard.
"use strict";
(() => {
  const ROWS_MAX = 300;
  const title = document.title;
  const live = document.getElementById("live");
  const announcer = document.getElementById("announcer");
  let unseen = 0;

  const rows = () => Array.from(document.querySelectorAll("#leads > .lead"));
  const rowOf = (id) => document.getElementById("lead-" + id);

  function setLive(state, text) {
    live.dataset.state = state;
    live.textContent = text;
  }

  function parse(html) {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  }

  // A received time has more digits than a double holds exactly once they are multiplied; as text of equal length it compares.
  function isNewer(one, other) {
    const a = one.dataset.received, b = other.dataset.received;
    if (a !== b) return a.length === b.length ? a > b : a.length > b.length;
    return one.dataset.id > other.dataset.id;
  }

  function place(row) {
    const list = document.getElementById("leads");
    const after = rows().find((other) => isNewer(row, other));
    const older = document.getElementById("older");
    if (after) list.insertBefore(row, after);
    else if (older) return false; // it stands on an older page
    else list.append(row);
    return true;
  }

  function activate(row) {
    htmx.process(row);
    leadwire.refresh(row);
  }

  function replaceInPlace(known, row) {
    const active = document.activeElement;
    const held = known.contains(active) ? (active.dataset.deed || (active === known ? "row" : "link")) : null;
    known.replaceWith(row);
    activate(row);
    if (held) (row.querySelector("[data-deed]") && held !== "row" ? row.querySelector("[data-deed]") : row).focus();
  }

  function arrive(row) {
    const isNews = row.classList.contains("is-new");
    if (!place(row)) return;
    activate(row);
    document.getElementById("empty")?.remove();
    if (isNews) {
      row.classList.add("is-arrived");
      announcer.textContent = "New lead: " + row.dataset.name + ", " + row.dataset.source;
      if (document.hidden) {
        unseen += 1;
        document.title = "(" + unseen + ") " + title;
      }
    }
    const all = rows();
    for (const extra of all.slice(ROWS_MAX)) extra.remove();
  }

  function take(kind, data) {
    if (kind === "resync") return resync();
    if (kind === "gone") return rowOf(data)?.remove();
    if (kind === "counts") return count(JSON.parse(data));
    const row = parse(data);
    if (!row) return;
    const known = document.getElementById(row.id);
    if (known && known.dataset.received === row.dataset.received) return replaceInPlace(known, row);
    if (known && kind === "lead") {
      known.remove();
      return arrive(row);
    }
    if (known) return replaceInPlace(known, row);
    const isSearching = document.getElementById("text").value.trim() !== "";
    if (kind === "lead" && !isSearching && !document.getElementById("list").dataset.paged) arrive(row);
  }

  function count(states) {
    for (const place of document.querySelectorAll("[data-count]")) {
      const figure = states[place.dataset.count];
      if (figure !== undefined) place.textContent = figure.toLocaleString();
    }
  }

  function resync() {
    const find = document.getElementById("find");
    const values = Object.fromEntries(new FormData(find));
    htmx.ajax("POST", "/inbox/search", { target: "#list", swap: "outerHTML", values });
  }

  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault(); // rows go to their places; nothing is swapped into the feed itself
    take(event.detail.type, event.detail.data);
  });
  document.addEventListener("htmx:sseOpen", () => setLive("on", "Live"));
  document.addEventListener("htmx:sseError", () => setLive("off", "Reconnecting"));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      unseen = 0;
      document.title = title;
    }
  });

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement?.closest?.(".lead"));
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && isTyping) {
      event.preventDefault(); // the browser would empty the search, and the list would change under the next key
      return event.target.blur();
    }
    if (isTyping) return;
    const row = document.activeElement?.closest?.(".lead");
    switch (event.key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "/": document.getElementById("text").focus(); break;
      case "c": row?.querySelector("[data-deed=claim]")?.click(); break;
      case "Enter": if (event.target === row) row.querySelector(".name").click(); else return; break;
      default: return;
    }
    event.preventDefault();
  });
})();
