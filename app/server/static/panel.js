/** Writes everything around the picture: buttons, messages, figures, files. Knows no socket. */

import { breakName, find, setText } from "./dom.js";
import { listKeys } from "./keys.js";
import { describeDoubt, describeUnread } from "./spoken.js";

const MESSAGE_MS = 4000; // in which a message can be read
const RESTING_LOOK_S = 5; // of the calibration
const DOUBT_MS = 1500; // for which a reason stays after the last reading that has it

export class Panel {
  constructor() {
    this._messageTimer = 0;
    this._doubtTimer = 0;
    this._missed = 0;
    this._unread = 0;
    listKeys(find("keys"));
    this._keys = find("use-keys");
  }

  /** True while single keys are obeyed. */
  get takesKeys() {
    return this._keys.checked;
  }

  /** Connects buttons and dropped files: {obey, onServer, onBrowser, onFile, onCancel, onRetry}. */
  listen({ obey, onServer, onBrowser, onFile, onCancel, onRetry }) {
    for (const button of document.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => obey(button.dataset.action));
    }
    find("from-server").addEventListener("click", onServer);
    find("from-browser").addEventListener("click", () => onBrowser());
    find("camera").addEventListener("change", ({ target }) => onBrowser(target.value));
    find("choose-file").addEventListener("click", () => find("file").click());
    find("file").addEventListener("change", ({ target }) => {
      if (target.files.length > 0) onFile(target.files[0]);
      target.value = "";
    });
    find("cancel").addEventListener("click", onCancel);
    find("retry").addEventListener("click", onRetry);
    find("close-help").addEventListener("click", () => find("help").close());
    find("close-error").addEventListener("click", () => this.clearError());
    this._listenToDrops(onFile);
  }

  _listenToDrops(onFile) {
    const mark = (isOver) => find("stage").classList.toggle("drop", isOver);
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) mark(false);
    });
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(false);
      const [first, ...more] = event.dataTransfer.files;
      if (more.length > 0) this.say("One file at a time: the first one is read.");
      if (first) onFile(first);
    });
  }

  showLink(state, line) {
    // While the page tries again, nothing changes, so that nothing is said or moved each time.
    if (state === "connecting" && !find("lost").hidden) return;
    const texts = { connecting: "Connecting …", open: "Connected", lost: "Not connected" };
    setText(find("link"), texts[state]);
    find("link").dataset.state = state;
    find("lost").hidden = state !== "lost";
    if (state === "lost") setText(find("lost-line"), `${line} The page tries again.`);
  }

  showHello({ server_camera: camera, version }) {
    const button = find("from-server");
    button.disabled = camera === null;
    find("server-name").textContent =
      camera === null ? "none; start the server with --camera" : camera.name;
    find("version").textContent = version;
  }

  showSource(source, kind = "") {
    for (const [id, one] of [
      ["from-server", "server"],
      ["from-browser", "browser"],
      ["choose-file", "file"],
    ]) {
      find(id).setAttribute("aria-pressed", String(source === one));
    }
    if (source !== "browser") find("camera").hidden = true;
    if (source !== "file") find("progress").hidden = true;
    for (const action of ["pause", "snapshot", "mirror", "record", "neutral", "quit"]) {
      const isUseless = action === "record" || action === "neutral" ? source === "file" : false;
      this._button(action).disabled = source === "none" || isUseless;
    }
    if (kind === "picture") this._button("pause").disabled = true;
    this._missed = 0;
    this._unread = 0;
    this._hideDoubt();
    if (source === "none" || source === "file") find("figures").textContent = "";
  }

  _button(action) {
    return document.querySelector(`button[data-action="${action}"]`);
  }

  showSwitches({ isMirrored, hud, isCovered }) {
    this._press("mirror", isMirrored);
    this._press("blur", isCovered);
    find("hud-name").textContent = { full: "everything", boxes: "boxes", off: "nothing" }[hud];
  }

  _press(action, isPressed) {
    this._button(action).setAttribute("aria-pressed", String(isPressed));
  }

  showPaused(isPaused) {
    this._press("pause", isPaused);
    find("paused").hidden = !isPaused;
  }

  showState(state, { source, tookMs, isCovered }) {
    this._press("blur", isCovered);
    this._press("map", state.map);
    this._press("record", state.recording !== null);
    this._press("neutral", state.neutral.left_s !== null || state.neutral.known > 0);
    setText(find("record-name"), state.recording === null ? "Record" : "Stop recording");
    setText(find("smoothing"), state.smoothing_s ? `${state.smoothing_s} s` : "none");
    find("recording").hidden = state.recording === null;
    if (state.recording !== null) find("recording-s").textContent = format(state.recording.seconds);
    const left = state.neutral.left_s;
    find("neutral").hidden = left === null;
    setText(find("asked"), left === null ? "" : "Look neutral for five seconds.");
    if (left !== null) {
      find("neutral-line").textContent = `Look neutral for ${Math.max(1, Math.round(left))} s`;
      find("neutral-bar").value = 1 - left / RESTING_LOOK_S;
    }
    this._showFigures(state, source, tookMs);
  }

  _showFigures(state, source, tookMs) {
    const known = state.neutral.known;
    const rate = Math.round(state.fps ?? 0);
    const delay = source === "browser" ? tookMs : state.latency_ms;
    const parts = [
      rate ? `${rate} reading${rate === 1 ? "" : "s"}/s` : "",
      delay ? `${Math.round(delay)} ms` : "",
      state.blur ? "faces blurred" : "",
      known ? `neutral set (${known})` : "",
      describeUnread(this._unread).replace(".", ""),
      this._missed ? `${this._missed} left out` : "",
    ];
    const isLive = source === "server" || source === "browser";
    find("figures").textContent = isLive ? parts.filter(Boolean).join("   ") : "";
  }

  countMissed(frames) {
    this._missed += frames;
  }

  /** Notes what an event says of the whole picture. */
  showReading({ doubt = null, unread = 0 }, isCovered) {
    this._unread = unread;
    if (!doubt || !isCovered) return;
    setText(find("doubt"), describeDoubt(doubt));
    find("doubt").hidden = false;
    clearTimeout(this._doubtTimer);
    this._doubtTimer = setTimeout(() => this._hideDoubt(), DOUBT_MS);
  }

  _hideDoubt() {
    find("doubt").hidden = true;
  }

  /** Returns the parts of the stage on which something else stands, px. */
  listReserved() {
    return [find("figures"), find("recording")]
      .filter((one) => one.offsetWidth > 0)
      .map((one) => ({
        x: one.offsetLeft,
        y: one.offsetTop,
        width: one.offsetWidth,
        height: one.offsetHeight,
      }));
  }

  /** Shows what stands in the middle of the stage; "" for nothing. */
  showNotice(line) {
    find("notice").textContent = line;
    find("notice").hidden = line === "";
  }

  /** Shows a message for a moment. */
  say(line) {
    find("message").textContent = line;
    clearTimeout(this._messageTimer);
    this._messageTimer = setTimeout(() => (find("message").textContent = ""), MESSAGE_MS);
  }

  /** Shows a line that stays until it is closed. */
  showError(line) {
    find("error-line").textContent = line;
    find("error").hidden = false;
  }

  clearError() {
    find("error").hidden = true;
  }

  listCameras(cameras, chosen) {
    const select = find("camera");
    select.replaceChildren(
      ...cameras.map(({ id, name }) => new Option(name, id, false, id === chosen)),
    );
    select.hidden = cameras.length < 2;
  }

  showProgress({ state, done, total, message }) {
    const bar = find("progress-bar");
    find("progress").hidden = state !== "reading";
    if (total) {
      bar.max = total;
      bar.value = done;
    } else {
      bar.removeAttribute("value");
    }
    setText(
      find("progress-line"),
      message ?? (total ? `Read ${done} of ${total}` : done ? `Read ${done}` : "Sending …"),
    );
  }

  /** Lists files to download, and says what was read. */
  showFiles(line, files) {
    const isPlain = !line.includes(". "); // else it has a remark that must be read
    if (!isPlain) this.showError(line);
    if (files.length === 0) return;
    const list = find("files");
    for (const { name, url, bytes } of files) {
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.append(...breakName(name));
      const size = document.createElement("span");
      size.textContent = formatBytes(bytes);
      const item = document.createElement("li");
      item.append(link, " ", size);
      list.append(item);
    }
    find("downloads").hidden = false;
    this.say(`${isPlain ? line : ""} ${files.length} files are ready under “Files”.`.trim());
  }

  /** Takes away the files to download, which are no longer there. Returns true if there were any. */
  forgetFiles() {
    const hadFiles = find("files").childElementCount > 0;
    find("files").replaceChildren();
    find("downloads").hidden = true;
    return hadFiles;
  }

  /** Hands a file that was made in the page to the user. */
  offer(blob, stem, suffix) {
    const when = new Date().toISOString().slice(0, 19).replace("T", "_").replaceAll(":", "-");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${stem}_${when}${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.say(`Saved ${link.download}.`);
  }

  switchHelp() {
    const help = find("help");
    if (help.open) help.close();
    else help.showModal();
  }
}

function format(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function formatBytes(bytes) {
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} kB`;
}
