// A line at the bottom edge, read out politely, there until it is dismissed or others push it out.
const SHOWN_AT_ONCE = 3;

/** Show `text`; `level` is one of components/message.html's (info, success, warning, error). */
export function toast(text, level = "info") {
  const toasts = document.getElementById("toasts");
  if (!toasts) return;
  const message = document.getElementById("failed-request")?.content.firstElementChild.cloneNode(true) ?? document.createElement("div");
  message.className = `message message--${level}`;
  message.querySelector(":scope > .icon")?.remove(); // the template's icon says "error"
  const words = message.querySelector(".message__text") ?? message.appendChild(document.createElement("p"));
  words.textContent = text;
  toasts.append(message);
  while (toasts.children.length > SHOWN_AT_ONCE) toasts.firstElementChild.remove();
}
