// Menus are <details class="menu">, which open by themselves. This closes them on Escape and on a click elsewhere,
// and brings the current page of the primary navigation into sight where the bar is too narrow for all.
const openMenus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

document.querySelector(".primary-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
