(() => {
  // Light and dark stay from page to page
  try {
    const kept = sessionStorage.getItem("theme");
    if (kept) { root.dataset.theme = kept; name(); }
    root.addEventListener("turned", () => sessionStorage.setItem("theme", root.dataset.theme));
  } catch { /* a browser that keeps nothing */ }

  // Times as the clock on the wall has them
  const local = (within) => all("time", within).forEach((time) => {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) return;
    const two = (number) => String(number).padStart(2, "0");
    time.title = time.textContent;
    time.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  });
  local(document);

  // What still changes is asked for again
  const live = one("live");
  let last = null;
  const put = (text) => {
    const ticked = new Set(all("input:checked", live).map((box) => box.value)), focused = document.activeElement?.id;
    const log = live.querySelector(".log"), end = log && log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    live.innerHTML = text;
    local(live);
    all("input[type=checkbox]", live).forEach((box) => { box.checked = ticked.has(box.value); });
    if (focused && live.contains(one(focused))) one(focused).focus({ preventScroll: true });
    const anew = live.querySelector(".log");
    if (anew && end) anew.scrollTop = anew.scrollHeight;
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.live);
      if (!answer.ok) return;
      const text = await answer.text();
      one("ended").hidden = true;
      if (last !== null && text !== last) put(text);
      last = text;
      const status = live.querySelector("[data-status]")?.dataset.status;
      if (status && status !== "running") location.reload();
    } catch { one("ended").hidden = false; }
  };
  if (live) { ask(); setInterval(ask, 2000); }

  // Comparing
  const only = one("only");
  if (only) only.addEventListener("change", () => document.body.classList.toggle("only", only.checked));

  // Keys
  const go = (place) => () => { location.href = document.querySelector(`nav a:nth-child(${place})`).href; };
  const boxes = () => all(".runs input[type=checkbox]");
  const step = (by) => () => {
    const list = boxes(), at = list.indexOf(document.activeElement?.closest("tr")?.querySelector("input"));
    (list[at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by])?.focus();
  };
  Object.assign(actions, {
    g: go(1), e: go(2), w: go(3), j: step(1), k: step(-1),
    x: () => document.activeElement?.closest?.("tr")?.querySelector("input[type=checkbox]")?.click(),
    c: () => one("compare")?.click(),
    "/": () => one("where")?.select(),
  });
})();
