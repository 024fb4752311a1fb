// What every page does: ages that tick, times in the reader's own zone, errors said aloud.
"use strict";
(() => {
  const skew = Number(document.body.dataset.now) - Date.now();
  const now = () => Date.now() + skew;

  function spoken(seconds) {
    if (seconds < 120) return Math.max(0, seconds) + " s";
    if (seconds < 7200) return Math.floor(seconds / 60) + " min";
    if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
    return Math.floor(seconds / 86400) + " days";
  }

  function tick(root) {
    for (const time of root.querySelectorAll("[data-age]")) {
      const seconds = Math.floor((now() - Number(time.dataset.age)) / 1000);
      const text = spoken(seconds) + ("ago" in time.dataset ? " ago" : "");
      if (time.textContent !== text) time.textContent = text;
      const waits = seconds >= 3600 ? "long" : seconds >= 900 ? "some" : "";
      if ((time.dataset.waits || "") !== waits) time.dataset.waits = waits;
    }
  }

  const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  function localize(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.getTime())) {
        time.title = time.dateTime;
        time.textContent = words.format(moment);
        time.removeAttribute("data-local");
      }
    }
  }

  let hiding = 0;
  function say(text) {
    const toast = document.getElementById("toast");
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => { toast.hidden = true; }, 6000);
  }

  function refresh(root) {
    tick(root);
    localize(root);
  }
  refresh(document);
  setInterval(() => tick(document), 1000);
  document.addEventListener("htmx:afterSettle", (event) => refresh(event.target));
  document.addEventListener("htmx:sendError", () => say("leadwire can't be reached. Nothing was changed."));
  document.addEventListener("htmx:responseError", (event) => {
    let text = "That did not work.";
    try {
      const problem = JSON.parse(event.detail.xhr.responseText);
      text = problem.detail || problem.title || text;
    } catch { /* not a problem document */ }
    say(text);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    const element = event.target;
    if (element.dataset.go !== undefined) {
      location.href = element.dataset.go + encodeURIComponent(element.value);
    } else if (element.dataset.tickAll !== undefined) {
      for (const box of element.form.querySelectorAll("tbody input[type=checkbox]")) box.checked = element.checked;
    }
  });
  window.leadwire = { refresh, say };
})();
