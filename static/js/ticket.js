// The bid ticket, where htmx swaps it in beside the lots: bring it into view and hand the focus to what comes next,
// the first faulty field or the first empty one. Without JavaScript the ticket is a page of its own.
document.addEventListener("htmx:afterSettle", (event) => {
  const ticket = event.target.closest?.("#ticket");
  if (!ticket || event.target.id === "cost") return;
  const next = ticket.querySelector("[aria-invalid='true']") ?? [...ticket.querySelectorAll("input:not([type=hidden])")].find((input) => !input.value);
  (next ?? ticket).focus({ preventScroll: true });
  ticket.scrollIntoView({ block: "nearest" });
});
