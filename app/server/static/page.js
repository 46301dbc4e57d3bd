/** The page: which source is watched, what the server says, and what keys and buttons do. */

import { Cover } from "./cover.js";
import { find } from "./dom.js";
import { DroppedFile, explainUnfit, findKind } from "./dropped_file.js";
import { listenToKeys } from "./keys.js";
import { Link } from "./link.js";
import { listCameras, openCamera, PictureSender } from "./own_camera.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Spoken } from "./spoken.js";
import { Stage } from "./stage.js";

const SCHEMA = 1; // of the messages that this page understands
const INVITING = "Choose a camera, or drop a picture or a short video here.";
const COVERING = "Faces are being covered …";
const OPENING = "Waiting for the picture …";

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

let hello = null; // the server's first message
let source = "none"; // "none", "server", "browser" or "file"
let state = null; // the server's newest state
let isEnded = false; // whether the server's camera was watched until it ended
let isPaused = false;
let sender = null; // of the browser's camera
let file = null; // that was dropped
let waiting = null; // an event whose picture is still to come
let ownBlur = false; // whether the server covers this page's own camera and files, as it said last
let tookMs = null; // from the newest picture of the browser's camera to its reading

const link = new Link("/ws", {
  onMessage: (message) => takers[message.type]?.(message),
  onPicture: (buffer) => takePicture(buffer),
  onState: (now, line) => {
    panel.showLink(now, line);
    if (now === "lost") lose();
  },
});

const takers = {
  hello(message) {
    if (message.schema !== SCHEMA) {
      panel.showError("This page is of another version than the server. Load it again.");
      return;
    }
    const isFirst = hello === null;
    hello = message;
    state = message.state;
    panel.showHello(message);
    beginStream();
    if (state.blur) cover.take(true);
    ownBlur = cover.isClosed;
    const usual = message.server_camera === null ? "none" : "server";
    if (source === "browser" && sender !== null) watchAgain();
    else watch(isFirst || source !== "none" || isEnded ? usual : "none");
  },
  state(message) {
    state = message;
    if (isOfNow(message.source)) {
      cover.take(message.blur);
      if (source === "file" || source === "browser") ownBlur = message.blur;
      if (source === "file") followBlur(message.blur);
    }
    applyCover();
    panel.showState(message, { source, tookMs, isCovered: cover.isClosed });
  },
  frame(message) {
    waiting = null;
    if (source === "browser" && message.sequence !== null) {
      tookMs = sender?.take(message.sequence) ?? tookMs;
    }
    if (!isOfSource(message) || isPaused) {
      waiting = message.has_picture ? { isMeant: false } : null;
    } else if (message.has_picture) {
      waiting = { isMeant: true, event: message };
    } else if (source === "file") {
      file?.takeEvent(message, null);
    } else if (source === "browser") {
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
    if (message.number !== file?.number) return; // of a file that is not shown any more
    file.take(message);
    panel.showProgress(message);
    if (message.state === "failed") panel.showError(message.message);
  },
  ended({ message }) {
    if (source === "server") {
      stop();
      isEnded = true;
    }
    panel.say(message);
  },
};

/** Tells a state of the source of now from a late one; with a file, nothing is watched. */
function isOfNow(watched) {
  return source === "server" || source === "none" || watched === (source === "file" ? null : source);
}

/** Tells an event of the source of now from a late one of the source before. */
function isOfSource({ file: isOfFile = false, sequence }) {
  if (source === "file" || isOfFile) return source === "file" && isOfFile;
  return source === (sequence === null ? "server" : "browser");
}

/** Takes the picture that belongs to the event just before it. */
function takePicture(buffer) {
  const one = waiting;
  waiting = null;
  if (!one?.isMeant) return;
  const jpeg = new Blob([buffer], { type: "image/jpeg" });
  if (source === "file") {
    file?.takeEvent(one.event, jpeg);
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

function beginStream() {
  stage.begin(hello);
  people.begin(stage.painter);
  spoken.take(null);
  tookMs = null;
}

/** Shows the page's own picture, or only what the server has covered. */
function applyCover() {
  const isOwn = source === "browser" || (source === "file" && file?.kind === "video");
  stage.show(isOwn && !cover.isClosed ? "video" : "picture");
  showNotice();
}

function showNotice() {
  const isOwn = source === "browser" || source === "file";
  if (source === "none") panel.showNotice(INVITING);
  else if (isOwn && cover.isClosed && (cover.isAsked || !stage.hasPicture)) panel.showNotice(COVERING);
  else panel.showNotice(stage.hasPicture || source === "file" ? "" : OPENING);
}

/** Leaves the source of now. */
function leave() {
  isEnded = false;
  sender?.stop();
  sender = null;
  file?.close();
  file = null;
  for (const track of stage.video.srcObject?.getTracks() ?? []) track.stop();
  stage.video.srcObject = null;
  setPaused(false);
}

/** Watches another source of the server's: "none" or "server". */
function watch(next) {
  leave();
  source = next;
  cover.begin(false);
  if (hello !== null) beginStream();
  stage.setMirror(false);
  link.send({ type: "watch", source: next });
  applyCover();
  panel.showSource(source);
}

function stop() {
  watch("none");
}

/** Opens the browser's camera and watches it. */
async function watchOwn(deviceId = "") {
  if (hello === null) return;
  leave();
  panel.clearError();
  source = "browser";
  cover.begin(ownBlur);
  panel.showSource(source);
  beginStream();
  applyCover();
  let track;
  try {
    track = await openCamera(stage.video, deviceId);
  } catch (error) {
    stop();
    panel.showError(error.message);
    return;
  }
  if (source !== "browser") {
    track.stop(); // another source was chosen meanwhile
    return;
  }
  track.onended = () => {
    if (source !== "browser") return;
    stop();
    panel.showError("The camera is gone: it was unplugged, or the browser took it back.");
  };
  const facing = track.getSettings().facingMode ?? "user";
  stage.setMirror(facing !== "environment"); // as in a mirror, unless it looks away
  panel.listCameras(await listCameras(), track.getSettings().deviceId);
  watchAgain();
}

/** Tells the server to read the browser's camera, and goes on sending pictures. */
function watchAgain() {
  sender?.stop();
  sender = new PictureSender(stage.video, {
    send: (bytes) => link.sendBytes(bytes),
    maxSide: hello.limits.max_side_px,
    maxBytes: hello.limits.max_picture_bytes,
  });
  link.send({ type: "watch", source: "browser" });
  if (cover.isAsked) link.send({ type: "key", action: "blur" });
  if (!isPaused) sender.start();
  applyCover();
  panel.showSource(source);
}

/** Has a picture or a video read. */
function read(chosen) {
  if (hello === null || !link.isOpen) {
    panel.showError("There is no connection to the server; the file was not read.");
    return;
  }
  const unfit = explainUnfit(chosen, hello.limits.max_file_bytes);
  if (unfit !== "") {
    panel.showError(unfit);
    return;
  }
  if (file !== null) link.send({ type: "cancel" });
  leave();
  panel.clearError();
  source = "file";
  cover.begin(ownBlur);
  link.send({ type: "watch", source: "none" });
  beginStream();
  stage.setMirror(false);
  file = new DroppedFile(chosen, {
    link,
    stage,
    isCovered: () => cover.isClosed,
    maxChunkBytes: hello.limits.max_chunk_bytes,
    onSay: (line) => panel.say(line),
    onShown: tell,
  });
  applyCover();
  file.start();
  panel.showSource(source, findKind(chosen));
}

/** Shows the file of now covered, for which it is read again, or as it is. */
function followBlur(isBlurred) {
  if (file === null || file.isCovered === isBlurred) return;
  if (isBlurred) read(file.file);
  else file.uncover();
}

/** Shows that the connection is lost: what was read is not true any more. */
function lose() {
  const hadFiles = panel.forgetFiles();
  if (state?.recording) panel.showError("The recording ended with the connection; it is lost.");
  else if (hadFiles) panel.showError("The files on the server are gone with the connection.");
  cover.lose();
  sender?.stop();
  stage.clearEvent();
  spoken.take(null);
  if (source === "file") stop();
  state = null;
  applyCover();
}

function setPaused(next) {
  if (next === isPaused) return;
  isPaused = next;
  panel.showPaused(isPaused);
  if (source === "browser" && sender !== null) {
    if (isPaused) {
      sender.stop();
      stage.video.pause();
    } else {
      stage.video.play().catch(() => {});
      sender.start();
    }
  }
  if (source === "file" && file?.kind === "video") {
    if (isPaused) stage.video.pause();
    else stage.video.play().catch(() => {});
  }
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
  if (action === "pause" && source !== "none") setPaused(!isPaused);
  else if (action === "hud") panel.say(`View: ${stage.nextHud()}`);
  else if (action === "mirror") stage.setMirror(!stage.isMirrored);
  else if (action === "help") panel.switchHelp();
  else if (action === "snapshot") saveSnapshot();
  else if (action === "quit") stop();
  else if (action === "blur") {
    if (cover.press()) link.send({ type: "key", action });
    applyCover();
  } else if (["map", "neutral", "quick", "calm", "record"].includes(action)) {
    if (source === "file") panel.say("This holds from the next picture or video on.");
    if (!link.send({ type: "key", action })) panel.say("There is no connection to the server.");
  }
  panel.showSwitches({ isMirrored: stage.isMirrored, hud: stage.hud, isCovered: cover.isClosed });
}

panel.listen({
  obey,
  onServer: () => watch("server"),
  onBrowser: watchOwn,
  onFile: read,
  onCancel: () => link.send({ type: "cancel" }),
  onRetry: () => link.start(),
});
addEventListener("beforeunload", (event) => {
  if (state?.recording) event.preventDefault(); // the browser asks: the recording would be lost
});
listenToKeys(obey, () => panel.takesKeys);
stage.onPicture = showNotice;
stage.listReserved = () => [...panel.listReserved(), ...stage.listControls()];
applyCover();
panel.showSource(source);
link.start();
