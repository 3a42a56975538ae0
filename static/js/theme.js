// Loaded in <head> before anything is painted, so that a chosen theme never flashes the other one.
// Without a choice (or without this script) the system decides.
{
  const KEY = "sparegrid-theme";
  const root = document.documentElement;
  root.dataset.js = "";

  const stored = () => {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system"; // storage is blocked: the system decides
    }
  };

  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // storage is blocked: the choice lasts for this page
    }
  };

  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
      meta.media = theme === "system" ? `(prefers-color-scheme: ${meta.dataset.theme})` : meta.dataset.theme === theme ? "all" : "not all";
    }
  };

  const mark = () => {
    for (const input of document.querySelectorAll("[data-theme-choice]")) input.checked = input.value === stored();
  };

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    apply(stored());
    mark();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-theme-choice]")) return;
    store(event.target.value);
    apply(event.target.value);
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    apply(stored());
    mark();
  });
}
