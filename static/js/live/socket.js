// One WebSocket that stays up: it reconnects with growing, jittered pauses, checks that no frame is missing, and says
// truthfully how fresh what it delivered is. What the frames mean is the caller's business; see docs/live.md.
const BEAT_TIMEOUT_MS = 25_000; // the server beats every ten seconds
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const TOO_MANY_PAUSE_MS = 60_000;
const HIDDEN_FOR_MS = 60_000; // after this long in the background the socket is given up until the page is seen again

const SIGNED_OUT = 4401;
const NO_ORGANIZATION = 4403;
const OTHER_ORGANIZATION = 4409;
const TOO_MANY_SOCKETS = 4429;
const FINAL = new Set([SIGNED_OUT, NO_ORGANIZATION, OTHER_ORGANIZATION]);

export const ENDINGS = {
  [SIGNED_OUT]: "You are signed out. Reload the page to sign in again.",
  [NO_ORGANIZATION]: "You are no longer a member of this organization. Reload the page.",
  [OTHER_ORGANIZATION]: "You now act for another organization. Reload the page.",
};

export class LiveSocket {
  #path;
  #query;
  #onFrame;
  #onState;
  #onEnd;
  #socket = null;
  #seq = null;
  #awaitsSnapshot = false;
  #failures = 0;
  #retryTimer = 0;
  #beatTimer = 0;
  #hiddenTimer = 0;
  #ended = false;

  /**
   * `query(seq)` gives the address's parameters, knowing the last number received (null: none yet). `onFrame` gets
   * every snapshot, delta and event in unbroken order. `onState` gets "live" with the server's time, again with each
   * beat; "catching-up" while a connection that is open brings what is missing; or "offline".
   * `onEnd(code)` is called once if the server closes for good.
   */
  constructor(path, { query = () => ({}), onFrame, onState = () => {}, onEnd = () => {} }) {
    this.#path = path;
    this.#query = query;
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#onEnd = onEnd;
    document.addEventListener("visibilitychange", () => this.#seenOrHidden());
    window.addEventListener("online", () => this.#connectNow());
    window.addEventListener("pagehide", () => this.#disconnect());
    window.addEventListener("pageshow", (event) => event.persisted && this.#connectNow());
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#retryTimer);
    if (this.#socket || this.#ended) return;
    this.#onState("offline");
    const address = new URL(this.#path, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, value] of Object.entries(this.#query(this.#seq))) address.searchParams.set(name, value);
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#expectBeat();
    socket.addEventListener("open", () => socket === this.#socket && this.#onState("catching-up"));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  #connectNow() {
    this.#failures = 0;
    this.#connect();
  }

  #disconnect() {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#beatTimer);
    const socket = this.#socket;
    this.#socket = null; // from now on nothing it says is heard
    socket?.close(1000);
    this.#onState("offline");
  }

  #closed(code) {
    this.#socket = null;
    clearTimeout(this.#beatTimer);
    this.#onState("offline");
    if (FINAL.has(code)) {
      this.#ended = true;
      this.#onEnd(code);
      return;
    }
    const ceiling = code === TOO_MANY_SOCKETS ? TOO_MANY_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() / 2));
  }

  #expectBeat() {
    clearTimeout(this.#beatTimer);
    this.#beatTimer = setTimeout(() => {
      this.#disconnect();
      this.#connect();
    }, BEAT_TIMEOUT_MS);
  }

  #receive(frame) {
    this.#expectBeat();
    if (frame.server_time) document.dispatchEvent(new CustomEvent("sparegrid:clock", { detail: Date.parse(frame.server_time) }));
    if (frame.type === "beat") {
      this.#failures = 0;
      if (this.#awaitsSnapshot) return;
      if (frame.publishing) this.#onState("live", new Date(frame.server_time));
      else this.#onState("offline"); // nobody computes prices: these are old
    } else if (frame.type === "stale") this.#onState("offline"); // the server itself has lost the database
    else this.#take(frame);
  }

  #take(frame) {
    if (frame.type === "snapshot") this.#awaitsSnapshot = false;
    else {
      if (this.#awaitsSnapshot || frame.seq <= this.#seq) return;
      const previous = frame.type === "event" ? frame.seq - 1 : frame.prev;
      if (this.#seq !== null && previous !== this.#seq) return this.#resync();
    }
    this.#seq = frame.seq;
    this.#onFrame(frame);
  }

  #resync() {
    this.#awaitsSnapshot = true;
    this.#onState("catching-up");
    this.#socket.send('{"type":"resync"}');
  }

  #seenOrHidden() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#disconnect(), HIDDEN_FOR_MS);
    else this.#connectNow();
  }
}
