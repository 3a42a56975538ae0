// Dismisses messages, and says so when a request of htmx came to nothing instead of leaving the page silent.
const toasts = document.getElementById("toasts");

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".message")?.remove();
});

function sayFailed(text) {
  const toast = document.getElementById("failed-request").content.firstElementChild.cloneNode(true);
  toast.querySelector(".message__text").textContent = text;
  toasts.replaceChildren(toast);
}

/** Whether the page asked by itself for what is new: it asks again, and its badge says meanwhile how old it is. */
function isOfItself({ detail }) {
  const { verb, triggeringEvent } = detail.requestConfig;
  return verb === "get" && !triggeringEvent?.isTrusted;
}

document.addEventListener("htmx:sendError", (event) => {
  if (isOfItself(event)) return;
  sayFailed("The server could not be reached. Check your connection, then look at the page again before you repeat what you did.");
});
document.addEventListener("htmx:timeout", (event) => {
  if (isOfItself(event)) return;
  sayFailed("The server took too long to answer. Reload the page to see whether it went through.");
});
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status >= 500 && isOfItself(event)) return;
  if (status === 401 || status === 403) sayFailed("You may not do this, or your session has expired. Log in again and retry.");
  else if (status === 404) sayFailed("This is no longer there. Reload the page.");
  else if (status === 409) sayFailed("You act for another organization by now, chosen in another tab. Nothing was done. Reload the page.");
  else if (status === 429) sayFailed("Too many requests. Wait a moment, then retry.");
  else sayFailed(`The server answered with an error (${status}). Reload the page to see whether it went through.`);
});
