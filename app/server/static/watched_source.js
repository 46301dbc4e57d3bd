/** What the page watches: the server's camera, the browser's own, a dropped file, or nothing. */

import { DroppedFile, explainUnfit, findKind } from "./dropped_file.js";
import { listCameras, openCamera, PictureSender, showCamera } from "./own_camera.js";

const INVITING = "Choose a camera, or drop a picture or a short video here.";
const COVERING = "Faces are being covered …";
const OPENING = "Waiting for the picture …";

/**
 * `kind` is "none", "server", "browser" or "file"; `file` the DroppedFile of now, null for none;
 * `isPaused` whether the user holds the picture; `tookMs` the time from the newest picture of the
 * browser's camera to its reading, null for an unknown one.
 */
export class WatchedSource {
  /**
   * @param link, stage, panel, cover - those of the page
   * @param onBegin - is called when another stream begins
   * @param onShown - takes each event of a file when it is shown
   */
  constructor({ link, stage, panel, cover, onBegin, onShown }) {
    Object.assign(this, { _link: link, _stage: stage, _panel: panel, _cover: cover });
    Object.assign(this, { _onBegin: onBegin, _onShown: onShown });
    this.kind = "none";
    this.file = null;
    this.isPaused = false;
    this.tookMs = null;
    this._hello = null; // the server's first message
    this._sender = null; // of the browser's camera, null until it is open
    this._choice = 0; // number of the newest choice of a source
    this._isEnded = false; // whether the server's camera was watched until it ended
    this._ownBlur = false; // whether the server covers this page's own camera and files
  }

  /** Takes the first message of a server, also of one that is back, and goes on. */
  greet(hello) {
    const isFirst = this._hello === null;
    this._hello = hello;
    this._begin();
    if (hello.state.blur) this._cover.take(true);
    this._ownBlur = this._cover.isClosed;
    if (this.kind === "browser") {
      this._watchOwnAgain();
      return;
    }
    const goesOn = isFirst || this.kind !== "none" || this._isEnded;
    this.watch(goesOn && hello.server_camera !== null ? "server" : "none");
  }

  /** Takes a "state" message. */
  takeState({ blur, source }) {
    // A state of the source before may come late; with a file, nothing is watched.
    const isOwn = this.kind === "browser" || this.kind === "file";
    if (!isOwn || source === (this.kind === "file" ? null : "browser")) {
      this._cover.take(blur);
      if (isOwn) this._ownBlur = blur;
      if (this.kind === "file") this._followBlur(blur);
    }
    this.applyCover();
  }

  /** Tells an event of the source of now from a late one of the source before. */
  isOfThis({ file: isOfFile = false, sequence }) {
    if (this.kind === "file" || isOfFile) return this.kind === "file" && isOfFile;
    return this.kind === (sequence === null ? "server" : "browser");
  }

  /** Takes the number of a picture that was answered. */
  takeAnswer(sequence) {
    if (this.kind !== "browser" || sequence === null) return;
    this.tookMs = this._sender?.take(sequence) ?? this.tookMs;
  }

  /** Leaves the server's camera, which has ended; it is watched again when the server is back. */
  end() {
    if (this.kind !== "server") return;
    this.watch("none");
    this._isEnded = true;
  }

  /** The connection is lost. */
  lose() {
    this._cover.lose();
    this._sender?.stop();
    this._stage.clearEvent();
    if (this.kind === "file") this.watch("none");
    this.applyCover();
  }

  /** Shows the page's own picture, or only what the server has covered. */
  applyCover() {
    const isOwn = this.kind === "browser" || (this.kind === "file" && this.file?.kind === "video");
    this._stage.show(isOwn && !this._cover.isClosed ? "video" : "picture");
    this.showNotice();
  }

  /** Says on the stage what is waited for, if anything. */
  showNotice() {
    const { hasPicture } = this._stage;
    const isOwn = this.kind === "browser" || this.kind === "file";
    const { isClosed, isAsked } = this._cover;
    let line = hasPicture || this.kind === "file" ? "" : OPENING;
    if (isOwn && isClosed && (isAsked || !hasPicture)) line = COVERING;
    this._panel.showNotice(this.kind === "none" ? INVITING : line);
  }

  _begin() {
    this.tookMs = null;
    this._onBegin(this._hello);
  }

  /** Leaves the source of now. */
  _leave() {
    const { video } = this._stage;
    this._choice += 1;
    this._isEnded = false;
    this._sender?.stop();
    this._sender = null;
    this.file?.close();
    this.file = null;
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
    this.setPaused(false);
  }

  /** Watches another source of the server's: "none" or "server". */
  watch(next) {
    this._leave();
    this.kind = next;
    this._cover.begin(false);
    if (this._hello !== null) this._begin();
    this._stage.setMirror(false);
    this._link.send({ type: "watch", source: next });
    this.applyCover();
    this._panel.showSource(next);
  }

  /** Opens the browser's camera and watches it. */
  async watchOwn(deviceId = "") {
    if (this._hello === null) return;
    const { _stage: stage, _panel: panel } = this;
    this._leave();
    const choice = this._choice;
    panel.clearError();
    this.kind = "browser";
    this._cover.begin(this._ownBlur);
    this._begin();
    this._follow(); // before the camera is open: the keys are for it from now on
    let track;
    try {
      track = await openCamera(deviceId);
    } catch (error) {
      if (choice !== this._choice) return;
      this.watch("none");
      panel.showError(error.message);
      return;
    }
    if (choice !== this._choice) {
      track.stop(); // another source was chosen meanwhile
      return;
    }
    track.onended = () => {
      if (choice !== this._choice) return;
      this.watch("none");
      panel.showError("The camera is gone: it was unplugged, or the browser took it back.");
    };
    const { facingMode: facing = "user", deviceId: opened } = track.getSettings();
    stage.setMirror(facing !== "environment"); // as in a mirror, unless it looks away
    await showCamera(stage.video, track);
    const cameras = await listCameras();
    if (choice !== this._choice) return;
    panel.listCameras(cameras, opened);
    this._startSender();
  }

  /** Tells a server that has just been met to read the browser's camera. */
  _watchOwnAgain() {
    this._follow();
    if (this._cover.isAsked) this._link.send({ type: "key", action: "blur" });
    if (this._sender !== null) this._startSender(); // else the camera is still to be opened
  }

  /** Has the server follow the browser's camera, whose pictures may come later. */
  _follow() {
    this._link.send({ type: "watch", source: "browser" });
    this.applyCover();
    this._panel.showSource(this.kind);
  }

  /** Begins to send the pictures of the browser's camera, which is open. */
  _startSender() {
    this._sender?.stop();
    this._sender = new PictureSender(this._stage.video, {
      send: (bytes) => this._link.sendBytes(bytes),
      maxSide: this._hello.limits.max_side_px,
      maxBytes: this._hello.limits.max_picture_bytes,
    });
    if (this.isPaused) this._stage.video.pause();
    else this._sender.start();
  }

  /** Has a picture or a video read. */
  read(chosen) {
    const { _link: link, _stage: stage, _panel: panel } = this;
    if (this._hello === null || !link.isOpen) {
      panel.showError("There is no connection to the server; the file was not read.");
      return;
    }
    const { limits } = this._hello;
    const unfit = explainUnfit(chosen, limits.max_file_bytes);
    if (unfit !== "") {
      panel.showError(unfit);
      return;
    }
    if (this.file !== null) link.send({ type: "cancel" });
    this._leave();
    panel.clearError();
    this.kind = "file";
    this._cover.begin(this._ownBlur);
    link.send({ type: "watch", source: "none" });
    this._begin();
    stage.setMirror(false);
    this.file = new DroppedFile(chosen, {
      link,
      stage,
      isCovered: () => this._cover.isClosed,
      maxChunkBytes: limits.max_chunk_bytes,
      onSay: (line) => panel.say(line),
      onShown: this._onShown,
    });
    this.applyCover();
    this.file.start();
    panel.showSource(this.kind, findKind(chosen));
  }

  /** Shows the file of now covered, for which it is read again, or as it is. */
  _followBlur(isBlurred) {
    if (this.file === null || this.file.isCovered === isBlurred) return;
    if (isBlurred) this.read(this.file.file);
    else this.file.uncover();
  }

  setPaused(next) {
    if (next === this.isPaused || (next && this.kind === "none")) return;
    this.isPaused = next;
    this._panel.showPaused(next);
    const { video } = this._stage;
    const isOwnCamera = this.kind === "browser" && this._sender !== null;
    if (!isOwnCamera && !(this.kind === "file" && this.file?.kind === "video")) return;
    if (next) video.pause();
    else video.play().catch(() => {});
    if (!isOwnCamera) return;
    if (next) this._sender.stop();
    else this._sender.start();
  }
}
