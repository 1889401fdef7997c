(() => {
  const { columns, runs } = JSON.parse(one("data").textContent);
  one("explorer").hidden = false;
  if (!columns.length) { one("too-few").hidden = false; one("drawings").hidden = true; return; }
  const FIRST = 8, MATRIX = 6, LISTED = 100, TOP = 34, HEIGHT = 300, FIELD = 300, SIDE = 58;
  const MARGIN = 70;

  // Columns: where a value lies between 0 and 1
  for (const column of columns) {
    const known = column.values.filter((value) => value !== null);
    column.ranks = column.number ? null : [...new Set(known)].sort();
    column.low = column.number ? Math.min(...known) : 0;
    column.high = column.number ? Math.max(...known) : column.ranks.length - 1;
    column.log = column.number && column.low > 0 && column.high / column.low > 1000;
    const to = (value) => column.log ? Math.log10(value) : value, low = to(column.low), width = to(column.high) - low;
    const place = (value) => width > 0 ? (to(value) - low) / width : 0.5;
    column.at = column.values.map((value) => value === null ? null : place(column.number ? value : column.ranks.indexOf(value)));
    column.back = (share) => column.log ? 10 ** (low + share * width) : low + share * width;
    column.range = null;  // [low, high] in shares
    column.place = place;
  }
  const metrics = columns.filter((column) => column.kind === "metric");
  const first = [...columns.filter((column) => column.kind === "flag").slice(0, FIRST - Math.min(3, metrics.length)), ...metrics];
  first.slice(0, FIRST).forEach((column) => { column.shown = true; });
  const shown = () => columns.filter((column) => column.shown);
  const text = (number) => Number(number.toPrecision(4)).toString();
  const inside = (i) => shown().every(({ range, at }) => !range || (at[i] !== null && at[i] >= range[0] && at[i] <= range[1]));
  let chosen = [];

  // Colours: from the page's style, and one scale from least to largest
  const style = (property) => getComputedStyle(root).getPropertyValue(property).trim();
  const shade = (share) => share === null || share === undefined ? style("--soft")
    : `hsl(${Math.round(230 - 200 * share)} 75% ${dark() ? 62 : 42}%)`;
  const colour = one("colour");
  columns.forEach((column, i) => colour.add(new Option(column.name, i)));
  colour.value = columns.indexOf(metrics.at(-1) ?? columns[0]);

  const canvas = (host, width, height, label) => {
    const made = document.createElement("canvas"), ratio = devicePixelRatio || 1;
    made.width = width * ratio; made.height = height * ratio;
    made.style.width = `${width}px`; made.style.height = `${height}px`;
    made.setAttribute("role", "img"); made.setAttribute("aria-label", label);
    host.replaceChildren(made);
    const pen = made.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px system-ui, sans-serif";
    return { made, pen };
  };
  const order = () => {  // those that are not chosen first, so that the others lie above them
    const taken = new Set(chosen);
    return [...runs.keys()].filter((i) => !taken.has(i)).concat(chosen);
  };
  const cut = (pen, words, width) => {
    let short = words;
    while (short.length > 3 && pen.measureText(short).width > width) short = `${short.slice(0, -2)}…`;
    return short;
  };

  // Parallel coordinates
  const parallel = () => {
    const axes = shown(), width = Math.max(one("parallel").clientWidth, 140 * axes.length), gap = axes.length > 1 ? (width - 2 * MARGIN) / (axes.length - 1) : 0;
    const x = (k) => MARGIN + k * gap, y = (share) => TOP + (1 - share) * HEIGHT;
    const { made, pen } = canvas(one("parallel"), width, HEIGHT + TOP + 24, `${runs.length} runs over ${axes.length} columns, ${chosen.length} of them chosen`);
    const by = columns[colour.value].at, taken = new Set(chosen), pale = style("--line");
    pen.lineWidth = 1.2;
    for (const i of order()) {
      pen.strokeStyle = taken.has(i) ? shade(by[i]) : pale;
      pen.globalAlpha = taken.has(i) ? Math.max(0.25, Math.min(0.9, 60 / chosen.length)) : 0.5;
      pen.beginPath();
      let down = false;
      axes.forEach(({ at }, k) => {
        if (at[i] === null) { down = false; return; }
        if (down) pen.lineTo(x(k), y(at[i])); else pen.moveTo(x(k), y(at[i]));
        down = true;
      });
      pen.stroke();
    }
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    axes.forEach((column, k) => {
      pen.strokeStyle = style("--soft"); pen.fillStyle = style("--ink");
      pen.beginPath(); pen.moveTo(x(k), TOP); pen.lineTo(x(k), TOP + HEIGHT); pen.stroke();
      pen.font = "600 12px system-ui, sans-serif";
      pen.fillText(cut(pen, column.log ? `${column.name} (log)` : column.name, Math.max(gap, 120) - 8), x(k), 14);
      pen.font = "12px system-ui, sans-serif"; pen.fillStyle = style("--soft");
      const ends = column.number ? [text(column.low), text(column.high)] : [column.ranks[0], column.ranks.at(-1)];
      pen.fillText(cut(pen, ends[1], 120), x(k), TOP - 5);
      pen.fillText(cut(pen, ends[0], 120), x(k), TOP + HEIGHT + 16);
      if (!column.range) return;
      const [low, high] = column.range;
      pen.fillStyle = style("--blue"); pen.globalAlpha = 0.25;
      pen.fillRect(x(k) - 8, y(high) - 1, 16, y(low) - y(high) + 2);
      pen.globalAlpha = 1;
    });
    let held = null;
    const share = (event) => Math.min(1, Math.max(0, 1 - (event.offsetY - TOP) / HEIGHT));
    made.addEventListener("pointerdown", (event) => {
      const k = gap ? Math.round((event.offsetX - MARGIN) / gap) : 0;
      if (!axes[k] || Math.abs(event.offsetX - x(k)) > 24) return;
      held = { column: axes[k], from: share(event), moved: false };
      made.setPointerCapture(event.pointerId);
    });
    made.addEventListener("pointerup", (event) => {
      if (!held) return;
      const to = share(event), [low, high] = [Math.min(held.from, to), Math.max(held.from, to)];
      held.column.range = high - low < 0.01 ? null : [low, high];
      held = null;
      update();
    });
  };

  // Scatter matrix
  const scatter = () => {
    const axes = shown().slice(-MATRIX), n = axes.length, room = one("scatter").clientWidth;
    const field = Math.max(96, Math.min(FIELD, (room - SIDE) / n)), width = SIDE + n * field;
    const { made, pen } = canvas(one("scatter"), width, n * field + SIDE, `${n} columns against each other, ${chosen.length} of ${runs.length} runs chosen`);
    const pad = 7, inner = field - 2 * pad, by = columns[colour.value].at, taken = new Set(chosen), drawn = order();
    const x = (c, share) => SIDE + c * field + pad + share * inner, y = (r, share) => r * field + pad + (1 - share) * inner;
    axes.forEach((down, r) => axes.forEach((across, c) => {
      pen.strokeStyle = style("--line"); pen.globalAlpha = 1;
      pen.strokeRect(SIDE + c * field + 2, r * field + 2, field - 4, field - 4);
      if (r === c) {
        pen.fillStyle = style("--ink"); pen.textAlign = "center"; pen.font = "600 12px system-ui, sans-serif";
        pen.fillText(cut(pen, down.name, inner), SIDE + (c + 0.5) * field, (r + 0.5) * field + 4);
        return;
      }
      for (const i of drawn) {
        if (down.at[i] === null || across.at[i] === null) continue;
        pen.fillStyle = taken.has(i) ? shade(by[i]) : style("--line");
        pen.globalAlpha = taken.has(i) ? 0.8 : 0.4;
        pen.beginPath(); pen.arc(x(c, across.at[i]), y(r, down.at[i]), taken.has(i) ? 2.6 : 1.8, 0, 7); pen.fill();
      }
      pen.fillStyle = style("--blue"); pen.globalAlpha = 0.12;
      if (across.range || down.range) {
        const [left, right] = across.range ?? [0, 1], [low, high] = down.range ?? [0, 1];
        pen.fillRect(x(c, left), y(r, high), x(c, right) - x(c, left), y(r, low) - y(r, high));
      }
    }));
    pen.globalAlpha = 1; pen.fillStyle = style("--soft"); pen.font = "11px system-ui, sans-serif";
    axes.forEach((column, k) => {
      const ends = column.number ? [text(column.low), text(column.high)] : [column.ranks[0], column.ranks.at(-1)];
      pen.textAlign = "left"; pen.fillText(cut(pen, ends[0], field / 2), SIDE + k * field + 4, n * field + 14);
      pen.textAlign = "right"; pen.fillText(cut(pen, ends[1], field / 2), SIDE + (k + 1) * field - 4, n * field + 14);
      pen.fillText(cut(pen, ends[1], SIDE - 4), SIDE - 4, k * field + 12);
      pen.fillText(cut(pen, ends[0], SIDE - 4), SIDE - 4, (k + 1) * field - 4);
    });
    let held = null;
    const spot = (event) => {
      const c = Math.floor((event.offsetX - SIDE) / field), r = Math.floor(event.offsetY / field);
      const limit = (share) => Math.min(1, Math.max(0, share));
      return { c, r, x: limit((event.offsetX - x(held?.c ?? c, 0)) / inner), y: limit(1 - (event.offsetY - y(held?.r ?? r, 1)) / inner) };
    };
    made.addEventListener("pointerdown", (event) => {
      const at = spot(event);
      if (!axes[at.c] || !axes[at.r] || at.c === at.r) return;
      held = at;
      made.setPointerCapture(event.pointerId);
    });
    made.addEventListener("pointerup", (event) => {
      if (!held) return;
      const to = spot(event), from = held;
      held = null;
      const click = Math.abs(to.x - from.x) < 0.02 && Math.abs(to.y - from.y) < 0.02;
      axes[from.c].range = click ? null : [Math.min(from.x, to.x), Math.max(from.x, to.x)];
      axes[from.r].range = click ? null : [Math.min(from.y, to.y), Math.max(from.y, to.y)];
      update();
    });
  };

  // The runs that are chosen
  const cell = (row, content, kind = "td") => {
    const made = document.createElement(kind);
    if (typeof content === "string") made.textContent = content; else made.append(content);
    row.append(made);
    return made;
  };
  const base = document.querySelector(".bar-top nav a").pathname;
  const list = () => {
    const head = document.createElement("tr"), body = one("rows");
    ["", "Run", "Status", "Case", ...shown().map((column) => column.name)].forEach((title, i) => {
      const made = cell(head, title || "Choose", "th");
      made.scope = "col";
      if (i > 3) made.className = "num";
    });
    one("head").replaceChildren(head);
    body.replaceChildren(...chosen.slice(0, LISTED).map((i) => {
      const row = document.createElement("tr"), { id, case: of, status } = runs[i];
      const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "run", value: id });
      box.setAttribute("aria-label", `Choose run ${id.slice(-6)}`);
      const link = Object.assign(document.createElement("a"), { href: `${base}runs/${id}`, textContent: id.slice(-6) });
      cell(row, box); cell(row, link, "th").scope = "row"; cell(row, status); cell(row, of);
      shown().forEach(({ values, number }) => {
        cell(row, values[i] === null ? "" : number ? text(values[i]) : String(values[i])).className = "num";
      });
      return row;
    }));
    const more = chosen.length > LISTED ? `, the first ${LISTED} listed` : "";
    one("count").value = `${chosen.length} of ${runs.length} runs${more}`;
  };

  // Columns and their ranges, for hands without a pointer
  const controls = () => one("columns").replaceChildren(...columns.map((column) => {
    const row = document.createElement("div"), label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: Boolean(column.shown) });
    box.addEventListener("change", () => { column.shown = box.checked; column.range = null; update(); });
    label.append(box, `${column.name} (${column.kind})`);
    row.append(label);
    if (!column.number) {
      const choice = document.createElement("select");
      choice.setAttribute("aria-label", `Value of ${column.name}`);
      choice.add(new Option("any", ""));
      column.ranks.forEach((value, rank) => choice.add(new Option(value, rank)));
      choice.addEventListener("change", () => {
        const at = column.place(Number(choice.value));
        column.range = choice.value === "" ? null : [at - 1e-9, at + 1e-9];
        update();
      });
      column.tell = () => { if (!column.range) choice.value = ""; };
      row.append(choice);
      return row;
    }
    const ends = ["from", "to"].map((word) => {
      const input = Object.assign(document.createElement("input"), { type: "number", step: "any", placeholder: word });
      input.setAttribute("aria-label", `${column.name} ${word}`);
      return input;
    });
    const read = () => {
      const [low, high] = ends.map(({ value }, k) => value === "" ? k : column.place(Number(value)));
      column.range = ends.every(({ value }) => value === "") ? null : [low - 1e-9, high + 1e-9];
      update();
    };
    ends.forEach((input) => input.addEventListener("change", read));
    column.tell = () => ends.forEach((input, k) => {
      if (input === document.activeElement) return;
      input.value = column.range ? text(column.back(Math.min(1, Math.max(0, column.range[k])))) : "";
    });
    row.append(...ends);
    return row;
  }));

  const update = () => {
    chosen = [...runs.keys()].filter(inside);
    columns.forEach((column) => column.tell());
    parallel(); scatter(); list();
  };
  colour.addEventListener("change", update);
  one("clear").addEventListener("click", () => { columns.forEach((column) => { column.range = null; }); update(); });
  root.addEventListener("turned", update);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; update(); } });
  controls();
  update();
})();
