"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (!data || !data.views.length) return;
  const find = (id) => document.getElementById(id);
  const shown = data.initializers.map(() => true);
  const picker = find("view");
  find("interactive").hidden = false;

  data.views.forEach((view, index) => picker.add(new Option(view.title, index)));

  const boxes = data.initializers.map((initializer, index) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => { shown[index] = box.checked; draw(); });
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    swatch.setAttribute("width", "36");
    swatch.setAttribute("height", "6");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M0 3H36");
    line.setAttribute("stroke", initializer.colour);
    line.setAttribute("stroke-width", "3");
    line.setAttribute("stroke-dasharray", initializer.dash);
    swatch.append(line);
    label.append(box, swatch, initializer.name);
    find("legend").append(label);
    return box;
  });

  const set = (value) => {
    boxes.forEach((box, index) => { box.checked = shown[index] = value; });
    draw();
  };

  // Plotly reads a little HTML in names; a label is text.
  const literal = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const traces = (view) => view.curves.flatMap((curve, index) => {
    if (!shown[index]) return [];
    const { name, colour, dash } = data.initializers[index];
    const common = { type: "scatter", mode: "lines", name: literal(name), showlegend: false };
    const quiet = { ...common, hoverinfo: "skip" };
    const x = view.steps;
    const found = [];
    if (find("replicates").checked) {
      const runs = curve.runs.filter((run) => run.length);
      found.push({
        ...quiet,
        x: runs.flatMap((run) => [...x.slice(0, run.length), null]),
        y: runs.flatMap((run) => [...run, null]),
        line: { color: colour, width: 0.8 },
        opacity: 0.35,
      });
    }
    if (curve.mean.length && curve.low.length) {
      const edge = { color: colour, width: 0 };
      found.push({ ...quiet, x, y: curve.low, line: edge });
      found.push({ ...quiet, x, y: curve.high, line: edge, fill: "tonexty", fillcolor: colour + "26" });
    }
    if (curve.mean.length) {
      found.push({
        ...common,
        x,
        y: curve.mean,
        mode: curve.mean.length < 3 ? "lines+markers" : "lines",
        line: { color: colour, width: 2.2, dash: dash || "solid" },
        hovertemplate: `%{y:.4g} at ${view.x} %{x}<extra>${literal(name)}</extra>`,
      });
    }
    return found;
  });

  // The runs set the scale: an interval from few replicates may be far wider than they are.
  const range = (view, log) => {
    const values = view.curves.flatMap((curve, index) => (shown[index] ? curve.runs.flat() : []));
    const usable = log ? values.filter((value) => value > 0) : values;
    if (!usable.length) return undefined;
    const place = (value) => (log ? Math.log10(value) : value);
    const low = place(usable.reduce((one, other) => Math.min(one, other)));
    const high = place(usable.reduce((one, other) => Math.max(one, other)));
    const margin = 0.04 * (high - low) || 0.1;
    return [low - margin, high + margin];
  };

  const layout = (view) => {
    const styles = getComputedStyle(document.documentElement);
    const colour = (name) => styles.getPropertyValue(name).trim();
    const log = find("log").checked;
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zeroline: false };
    return {
      font: { color: colour("--text") },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 60, r: 15, t: 15, b: 45 },
      hovermode: "closest",
      xaxis: { ...axis, title: { text: view.x } },
      yaxis: { ...axis, title: { text: view.y }, type: log ? "log" : "linear", range: range(view, log) },
    };
  };

  const draw = () => {
    const view = data.views[picker.value];
    return Plotly.react(find("curves"), traces(view), layout(view), { responsive: true, displayModeBar: false });
  };

  picker.addEventListener("change", () => { find("log").checked = data.views[picker.value].log; draw(); });
  find("log").addEventListener("change", draw);
  find("replicates").addEventListener("change", draw);
  find("everyone").addEventListener("click", () => set(true));
  find("nobody").addEventListener("click", () => set(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  find("log").checked = data.views[0].log;
  draw();
})();
