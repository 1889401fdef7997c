(() => {
  // The filter
  const rows = all(".list tbody tr"), cases = new Map(all("article.case").map((a) => [a.dataset.case, a]));
  const byName = one("by-name"), byStatus = one("by-status"), byKind = one("by-kind");
  const fits = (row) => {
    const { name, status, ok, kinds } = row.dataset;
    const words = byName.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = byStatus.value;
    return words.every((word) => name.includes(word))
      && (!wanted || (wanted === "bad" ? ok === "0" : status === wanted))
      && (!byKind.value || kinds.split(" ").includes(byKind.value));
  };
  const filter = () => {
    let shown = 0;
    for (const row of rows) {
      const fit = fits(row);
      row.hidden = !fit;
      cases.get(row.dataset.case).hidden = !fit;
      shown += fit;
    }
    one("shown").value = `${shown} of ${rows.length} shown`;
    one("none").hidden = shown > 0 || rows.length === 0;
  };
  [byName, byStatus, byKind].forEach((control) => control.addEventListener("input", filter));
  all(".filter").forEach((form) => form.addEventListener("submit", (event) => event.preventDefault()));

  // Going to cases
  const open = (article) => {
    article.querySelector("details").open = true;
    article.scrollIntoView({ block: "start" });
    article.querySelector("summary").focus({ preventScroll: true });
  };
  const follow = () => {
    const target = location.hash.length > 1 && one(decodeURIComponent(location.hash.slice(1)));
    const article = target && target.closest("article.case");
    if (!article) return;
    article.hidden = false;
    article.querySelector("details").open = true;
    requestAnimationFrame(() => target.scrollIntoView({ block: "start" }));
  };
  addEventListener("hashchange", follow);
  all(".strip circle").forEach((dot) => dot.addEventListener("click", () => open(cases.get(dot.dataset.case))));
  const step = (by, failing) => {
    const list = all("article.case").filter((a) => !a.hidden && (!failing || a.dataset.ok === "0"));
    const at = list.indexOf(document.activeElement?.closest?.("article.case"));
    const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by];
    if (next) open(next);
  };
  const toggle = () => {
    const details = document.activeElement?.closest?.("article.case")?.querySelector("details");
    if (details) details.open = !details.open;
  };

  // Keys
  Object.assign(actions, {
    j: () => step(1), k: () => step(-1), n: () => step(1, true), p: () => step(-1, true),
    o: toggle, "/": () => { byName.focus(); byName.select(); },
  });
  byName.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { byName.value = ""; filter(); byName.blur(); }
  });

  // A sandboxed frame costs a process of the browser: each is made when its notebook is opened
  for (const details of all("details.notebook")) {
    details.addEventListener("toggle", () => {
      const held = details.querySelector("noscript");
      if (!details.open || !held) return;
      held.replaceWith(new DOMParser().parseFromString(held.textContent, "text/html").querySelector("iframe"));
    });
  }

  // Printing shows what fails, opened
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("article.case[data-ok='0'] > details:not([open])");
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
  follow();
})();
