/** Draws the readings of the server's camera on a transparent ground, as a source for OBS. */

import { Link } from "./link.js";
import { HUD_MODES, OverlayPainter } from "./overlay_painter.js";

const STALE_MS = 2000; // after which a reading is not shown any more
const NO_CAMERA_MS = 10_000; // after which a server without a camera is asked again

const query = new URLSearchParams(location.search);
const hud = HUD_MODES.includes(query.get("hud")) ? query.get("hud") : "full";
const isMirrored = query.get("mirror") === "1";
const canvas = document.querySelector("canvas");
const notice = document.querySelector("p");
const context = canvas.getContext("2d");
let painter = null;
let event = null;
let stale = 0;

/** Fits a picture into the window, as OBS fits a source into its scene: in the middle, whole. */
export function fitInside([width, height], room) {
  const scale = Math.min(room.width / width, room.height / height);
  const [wide, high] = [scale * width, scale * height];
  return { x: (room.width - wide) / 2, y: (room.height - high) / 2, width: wide, height: high };
}

function redraw() {
  const scale = devicePixelRatio;
  const room = { width: innerWidth, height: innerHeight };
  canvas.width = Math.round(room.width * scale);
  canvas.height = Math.round(room.height * scale);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, room.width, room.height);
  if (event === null || painter === null) return;
  painter.draw(context, event, fitInside(event.size, room), { hud, isMirrored });
}

function forget() {
  event = null;
  redraw();
}

// The page's socket tells labels and colours once; it is left before it counts for long.
const hello = new Link("/ws", {
  onMessage: (message) => {
    if (message.type !== "hello") return;
    painter = new OverlayPainter(message);
    const hasCamera = message.server_camera !== null;
    notice.hidden = hasCamera;
    hello.stop();
    if (hasCamera) events.start();
    else setTimeout(() => hello.start(), NO_CAMERA_MS);
  },
  onState: () => {},
});

const events = new Link("/events", {
  onMessage: (message) => {
    if (message.type !== "frame") return;
    painter.add(message);
    event = message;
    clearTimeout(stale);
    stale = setTimeout(forget, STALE_MS);
    redraw();
    document.dispatchEvent(new CustomEvent("expression", { detail: message }));
  },
  onState: (state) => {
    if (state !== "lost") return;
    forget();
    events.stop();
    setTimeout(() => hello.start(), 1000); // another server may have other labels
  },
});

addEventListener("resize", redraw);
hello.start();
