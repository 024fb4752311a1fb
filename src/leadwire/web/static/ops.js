// The lag plot of the operations page.
"use strict";
(() => {
  const place = document.getElementById("lag");
  const empty = document.getElementById("lag-empty");
  const palette = ["#2f8f78", "#c07a1c", "#4c7bd0", "#a3588f", "#6d8a2f", "#c2504a", "#4aa3b5", "#8a6fc9"];
  let plot = null;

  function words(seconds) {
    if (seconds === null || seconds === undefined) return "–";
    if (seconds < 1) return Math.round(seconds * 1000) + " ms";
    if (seconds < 120) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
    if (seconds < 7200) return Math.round(seconds / 60) + " min";
    return Math.round(seconds / 3600) + " h";
  }

  const label = (hop) => hop.replace("first_touch", "first touch").replace("delivered:", "delivered to ");

  function draw(lines) {
    empty.hidden = lines.times.length > 0;
    plot?.destroy();
    plot = null;
    if (!lines.times.length) return;
    const soft = getComputedStyle(document.body).getPropertyValue("--soft").trim();
    const line = getComputedStyle(document.body).getPropertyValue("--line").trim();
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const tens = (_, splits) => splits.map((split) => (Number.isInteger(Math.round(Math.log10(split) * 1e6) / 1e6) ? split : null));
    plot = new uPlot({
      width: Math.max(280, place.clientWidth),
      height: 260,
      scales: { x: { range: (_, first, last) => [Math.min(first, last - 900), last] }, y: { distr: 3, log: 10 } },
      axes: [axis, { ...axis, size: 62, filter: tens, grid: { ...axis.grid, filter: tens }, ticks: { ...axis.ticks, filter: tens }, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : words(tick))) }],
      series: [
        {},
        ...lines.hops.map((hop, index) => ({
          label: label(hop),
          stroke: palette[index % palette.length],
          width: 2,
          spanGaps: true,
          points: { size: 5 },
          value: (_, seconds) => words(seconds),
        })),
      ],
    }, [lines.times, ...lines.p95_s], place);
  }

  async function load() {
    const answer = await fetch(place.dataset.url, { headers: { accept: "application/json" } });
    if (answer.ok) draw(await answer.json());
  }

  load();
  setInterval(() => { if (!document.hidden) load(); }, 30000);
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(load, 200);
  });
})();
