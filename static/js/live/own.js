// The organization's own stream: tells the page's fragments what happened, and the person what matters, politely.
import { ENDINGS, LiveSocket } from "./socket.js";
import "./refetch.js";
import { toast } from "./toast.js";

const GATHER_MS = 600; // a clearing settles many bids at once; it is told in one line
const WORDS = {
  "bid.explained": ["answer about a bid", "answers about bids"],
  "bid.won": ["bid won", "bids won"],
  "bid.lost": ["bid lost", "bids lost"],
  "bid.released": ["bid released", "bids released"],
  "standing_order.fulfilled": ["standing order fulfilled", "standing orders fulfilled"],
  "standing_order.exhausted": ["standing order with its budget used", "standing orders with their budgets used"],
  "standing_order.abandoned": ["standing order paused, as who started it may bid no more", "standing orders paused, as who started them may bid no more"],
  "standing_order.expired": ["standing order past its deadline", "standing orders past their deadlines"],
  "block.sold": ["sale of yours", "sales of yours"],
  "delivery.handover_due": ["hand-over due", "hand-overs due"],
  "delivery.handed_over": ["access handed over", "accesses handed over"],
  "delivery.missed": ["hand-over missed", "hand-overs missed"],
  "outage.reported": ["outage reported", "outages reported"],
  "outage.upheld": ["outage upheld", "outages upheld"],
  "outage.rejected": ["outage rejected", "outages rejected"],
  "refund.approved": ["refund decided", "refunds decided"],
  "refund.succeeded": ["refund made", "refunds made"],
  "refund.credited": ["refund credited to your balance", "refunds credited to your balance"],
  "dispute.needs_response": ["payment disputed at the bank", "payments disputed at the bank"],
  "settlement.paid": ["payment made", "payments made"],
  "settlement.declined": ["payment declined", "payments declined"],
  "settlement.action_required": ["payment needs your confirmation", "payments need your confirmation"],
  "settlement.reminder": ["payment still due", "payments still due"],
  "settlement.extended": ["deadline extended", "deadlines extended"],
  "settlement.defaulted": ["award cancelled, not paid", "awards cancelled, not paid"],
  "block.returned": ["sale of yours not paid, back on sale", "sales of yours not paid, back on sale"],
};
const ALARMING = new Set(["delivery.missed", "outage.reported", "settlement.declined", "settlement.action_required", "settlement.reminder", "settlement.defaulted"]);

const NOTIFIED = "notification.created"; // the people of this organization have something new to read

const page = document.querySelector("[data-own-organization]");
const tally = new Map();
let tellTimer = 0;

function dispatch(detail) {
  document.body.dispatchEvent(new CustomEvent("sparegrid:own", { detail, bubbles: true }));
}

function ringBell() {
  document.body.dispatchEvent(new CustomEvent("sparegrid:notifications"));
}

function receive(frame) {
  if (frame.type === "event" && frame.kind === NOTIFIED) ringBell();
  else if (frame.type === "event") {
    dispatch(frame);
    count(frame.kind);
  } else {
    dispatch({ seq: frame.seq, kind: "resync", data: {}, at: null });
    ringBell();
  }
}

function count(kind) {
  if (!(kind in WORDS)) return;
  tally.set(kind, (tally.get(kind) ?? 0) + 1);
  clearTimeout(tellTimer);
  tellTimer = setTimeout(tell, GATHER_MS);
}

function tell() {
  const parts = [...tally].map(([kind, n]) => `${n} ${WORDS[kind][n === 1 ? 0 : 1]}`);
  const isAlarming = [...tally.keys()].some((kind) => ALARMING.has(kind));
  tally.clear();
  toast(parts.join(" · "), isAlarming ? "warning" : "info");
}

if (page?.dataset.ownOrganization) {
  new LiveSocket("/ws/own/", {
    query(seq) {
      const after = seq ?? page.dataset.ownAfter;
      return { organization: page.dataset.ownOrganization, ...(after ? { after } : {}) };
    },
    onFrame: receive,
    onEnd: (code) => toast(ENDINGS[code], "warning"),
  });
}
