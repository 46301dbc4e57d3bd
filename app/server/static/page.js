/** The page: what the server says, and what keys and buttons do. */

import { Cover } from "./cover.js";
import { find } from "./dom.js";
import { listenToKeys } from "./keys.js";
import { Link } from "./link.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Spoken } from "./spoken.js";
import { Stage } from "./stage.js";
import { WatchedSource } from "./watched_source.js";

const SCHEMA = 1; // of the messages that this page understands

const panel = new Panel();
const stage = new Stage(find("stage"));
const people = new People({
  list: find("people"),
  empty: find("nobody"),
  more: find("more-people"),
  note: find("actions-note"),
});
const spoken = new Spoken(find("spoken"));
const cover = new Cover();

let state = null; // the server's newest state
let waiting = null; // an event whose picture is still to come

const link = new Link("/ws", {
  onMessage: (message) => takers[message.type]?.(message),
  onPicture: (buffer) => takePicture(buffer),
  onState: (now, line) => {
    if (now !== "open") panel.showLink(now, line); // the server's first message is still to come
    if (now === "lost") lose();
  },
});

const watched = new WatchedSource({ link, stage, panel, cover, onBegin: beginStream, onShown: tell });

const takers = {
  hello(message) {
    panel.showLink("open", "");
    if (message.schema !== SCHEMA) {
      panel.showError("This page is of another version than the server. Load it again.");
      return;
    }
    state = message.state;
    panel.showHello(message);
    watched.greet(message);
  },
  state(message) {
    state = message;
    watched.takeState(message);
    const { kind: source, tookMs } = watched;
    panel.showState(message, { source, tookMs, isCovered: cover.isClosed });
  },
  frame(message) {
    waiting = null;
    watched.takeAnswer(message.sequence);
    if (!watched.isOfThis(message) || watched.isPaused) {
      waiting = message.has_picture ? { isMeant: false } : null;
    } else if (message.has_picture) {
      waiting = { isMeant: true, event: message };
    } else if (watched.kind === "file") {
      watched.file?.takeEvent(message, null);
    } else if (watched.kind === "browser") {
      stage.take(message);
      tell(message);
    }
  },
  missed({ frames }) {
    panel.countMissed(frames);
  },
  say({ message }) {
    panel.say(message);
  },
  error({ message }) {
    panel.showError(message);
  },
  recording({ files }) {
    panel.showFiles("Recorded.", files);
  },
  file(message) {
    if (message.state === "done") panel.showFiles(message.message, message.files);
    if (message.number !== watched.file?.number) return; // of a file that is not shown any more
    watched.file.take(message);
    panel.showProgress(message);
    if (message.state === "failed") panel.showError(message.message);
  },
  ended({ message }) {
    watched.end();
    panel.say(message);
  },
};

/** Takes the picture that belongs to the event just before it. */
function takePicture(buffer) {
  const one = waiting;
  waiting = null;
  if (!one?.isMeant) return;
  const jpeg = new Blob([buffer], { type: "image/jpeg" });
  if (watched.kind === "file") {
    watched.file?.takeEvent(one.event, jpeg);
  } else {
    stage.takePicture(jpeg, one.event);
    tell(one.event);
  }
}

/** Tells the newest event to those who write it down. */
function tell(event) {
  panel.showReading(event, cover.isClosed);
  people.take(event);
  spoken.take(event);
}

function beginStream(hello) {
  stage.begin(hello);
  people.begin(stage.painter);
  spoken.take(null);
}

/** Shows that the connection is lost: what was read is not true any more. */
function lose() {
  const hadFiles = panel.forgetFiles();
  if (state?.recording) panel.showError("The recording ended with the connection; it is lost.");
  else if (hadFiles) panel.showError("The files on the server are gone with the connection.");
  state = null;
  spoken.take(null);
  watched.lose();
}

async function saveSnapshot() {
  if (!stage.hasPicture) {
    panel.say("There is no picture to save yet.");
    return;
  }
  panel.offer(await stage.makeSnapshot(), "snapshot", ".png");
}

/** Does what a key or a button asks for. */
function obey(action) {
  if (action === "pause") watched.setPaused(!watched.isPaused);
  else if (action === "hud") panel.say(`View: ${stage.nextHud()}`);
  else if (action === "mirror") stage.setMirror(!stage.isMirrored);
  else if (action === "help") panel.switchHelp();
  else if (action === "snapshot") saveSnapshot();
  else if (action === "quit") watched.watch("none");
  else if (action === "blur") {
    if (cover.press()) link.send({ type: "key", action });
    watched.applyCover();
  } else if (["map", "neutral", "quick", "calm", "record"].includes(action)) {
    if (watched.kind === "file") panel.say("This holds from the next picture or video on.");
    if (!link.send({ type: "key", action })) panel.say("There is no connection to the server.");
  }
  showSwitches();
}

function showSwitches() {
  panel.showSwitches({ isMirrored: stage.isMirrored, hud: stage.hud, isCovered: cover.isClosed });
}

panel.listen({
  obey,
  onServer: () => watched.watch("server"),
  onBrowser: (deviceId) => watched.watchOwn(deviceId),
  onFile: (file) => watched.read(file),
  onCancel: () => link.send({ type: "cancel" }),
  onRetry: () => link.start(),
});
addEventListener("beforeunload", (event) => {
  if (state?.recording) event.preventDefault(); // the browser asks: the recording would be lost
});
listenToKeys(obey, () => panel.takesKeys);
stage.onPicture = () => watched.showNotice();
stage.onMirror = showSwitches;
stage.listReserved = () => [...panel.listReserved(), ...stage.listControls()];
watched.applyCover();
panel.showSource(watched.kind);
link.start();
