"use strict";
const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
const one = (id) => document.getElementById(id);

// What a page that is written anew in part needs again
const ready = (within = document) => {
  all("[data-js]", within).forEach((element) => { element.hidden = false; });
  all(".swipe input", within).forEach((input) => {
    const move = () => input.closest(".compare").style.setProperty("--at", `${input.value}%`);
    input.addEventListener("input", move);
    move();
  });
};
ready();

// Light and dark
const root = document.documentElement, theme = one("theme");
const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
const turn = () => { root.dataset.theme = dark() ? "light" : "dark"; name(); root.dispatchEvent(new Event("turned")); };
theme.addEventListener("click", turn);
name();

// Keys: `actions` has what each does
const keys = one("keys"), help = () => (keys.open ? keys.close() : keys.showModal());
one("help").addEventListener("click", help);
const actions = { t: turn, "?": help };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input:not([type=radio], [type=checkbox], [type=range]), select, textarea")) return;
  if (keys.open && event.key !== "?") return;
  const action = actions[event.key];
  if (action) { event.preventDefault(); action(); }
});
