/** Keeps a socket to the server open, and tells how the connection stands. */

const FIRST_WAIT_S = 0.5;
const MAX_WAIT_S = 8;

/** Returns the address of a socket of this server, with the token of this page's own address. */
export function makeSocketUrl(path, here = location) {
  const url = new URL(path, here.href);
  url.protocol = here.protocol === "https:" ? "wss:" : "ws:";
  const token = new URLSearchParams(here.search).get("token");
  url.search = token === null ? "" : `?${new URLSearchParams({ token })}`;
  return url.href;
}

/**
 * A connection that is taken up again when it is lost.
 *
 * `onMessage(object)` gets each JSON message, `onPicture(buffer)` each binary one.
 * `onState(state, line)`: "connecting", "open", or "lost" with one line that says why.
 */
export class Link {
  constructor(path, { onMessage, onPicture, onState }) {
    Object.assign(this, { _path: path, _onMessage: onMessage, _onPicture: onPicture });
    this._onState = onState;
    this._waitS = FIRST_WAIT_S;
    this._socket = null;
    this._timer = 0;
  }

  get isOpen() {
    return this._socket?.readyState === WebSocket.OPEN;
  }

  /** The bytes that wait to be sent. */
  get waitingBytes() {
    return this._socket?.bufferedAmount ?? 0;
  }

  /** Connects, at once. */
  start() {
    this.stop();
    this._onState("connecting", "");
    const socket = new WebSocket(makeSocketUrl(this._path));
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      this._onState("open", "");
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this._socket) return;
      this._waitS = FIRST_WAIT_S;
      if (typeof data === "string") this._onMessage(JSON.parse(data));
      else this._onPicture?.(data);
    };
    socket.onclose = async ({ reason }) => {
      if (socket !== this._socket) return;
      const line = reason || (wasOpen ? "The connection to the server is lost." : await askWhy());
      if (socket !== this._socket) return;
      this._timer = setTimeout(() => this.start(), 1000 * this._waitS);
      this._waitS = Math.min(MAX_WAIT_S, 2 * this._waitS);
      this._onState("lost", line); // which may stop it
    };
  }

  /** Leaves the server; `start` connects again. */
  stop() {
    clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    socket?.close();
  }

  /** Sends an object as JSON. Returns false where there is no connection. */
  send(object) {
    if (!this.isOpen) return false;
    this._socket.send(JSON.stringify(object));
    return true;
  }

  /** Sends bytes. Returns false where there is no connection. */
  sendBytes(bytes) {
    if (!this.isOpen) return false;
    this._socket.send(bytes);
    return true;
  }
}

/** Finds out why a socket could not be opened, which browsers do not tell. */
async function askWhy() {
  try {
    const answer = await fetch("/health", { cache: "no-store" });
    const health = await answer.json();
    return `The server answers, but takes no connection: it has ${health.visitors} visitors, or the address lacks its token.`;
  } catch {
    return "The server does not answer.";
  }
}
