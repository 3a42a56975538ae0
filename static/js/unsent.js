// What was typed into a form that a login, or a token that is no longer good, kept from being sent: kept for this tab, and
// filled in when the same person is back at the form. Never passwords, files or secrets, nor forms that the address keeps.
const KEY = "unsent-form";
const LONGEST_MS = 30 * 60 * 1000;
const LEFT_OUT = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function keep(unsent) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(unsent));
  } catch {
    sessionStorage.removeItem(KEY);
  }
}

const person = () => document.body.dataset.person ?? "";
const pathOf = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
const fieldsOf = (form) => [...form.elements].filter((control) => control.name && !LEFT_OUT.has(control.type) && control.tagName !== "FIELDSET" && !("secret" in control.dataset));

function stateOf(control) {
  if (control.type === "checkbox" || control.type === "radio") return control.checked;
  if (control.tagName === "SELECT") return [...control.selectedOptions].map((option) => option.value);
  return control.value;
}

function typeInto(control, state) {
  if (typeof state === "boolean") control.checked = state;
  else if (Array.isArray(state)) for (const option of control.options ?? []) option.selected = state.includes(option.value);
  else control.value = state;
}

// Boxes of one name differ by their value; everything else by name alone.
const nameOf = (control) => (typeof stateOf(control) === "boolean" ? `${control.name}=${control.value}` : control.name);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || "addressKeeps" in form.dataset || form.querySelector("[type=password]")) return;
  const fields = fieldsOf(form).map((control) => [nameOf(control), stateOf(control)]);
  if (fields.length) keep({ action: pathOf(form), who: person(), at: Date.now(), fields, interrupted: false });
});

function fillIn(unsent) {
  const form = [...document.forms].find((each) => each.method === "post" && pathOf(each) === unsent.action && fieldsOf(each).length);
  if (!form) return false;
  const states = new Map(unsent.fields);
  for (const control of fieldsOf(form)) if (states.has(nameOf(control))) typeInto(control, states.get(nameOf(control)));
  const note = document.getElementById("typed-is-back");
  if (note) form.prepend(note.content.cloneNode(true));
  return true;
}

const unsent = read();
if (unsent && document.querySelector("[data-interrupts]")) keep({ ...unsent, interrupted: true });
else if (unsent) {
  const isOver = !unsent.interrupted || Date.now() - unsent.at > LONGEST_MS || (person() && person() !== unsent.who);
  if (isOver || fillIn(unsent)) sessionStorage.removeItem(KEY);
}
