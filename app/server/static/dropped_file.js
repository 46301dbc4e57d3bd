/** Sends a picture or a video to be read, and plays the page's own copy with the readings over it. */

const CHUNK_BYTES = 1 << 19;
const CHUNK_KIND = 2; // the first byte of the message
const MAX_WAITING_BYTES = 2 << 20; // in the socket, before the next chunk
const LOOK_AGAIN_MS = 20;
const AHEAD_S = 1; // of readings before a stopped playback goes on
const PICTURES = /\.(jpe?g|png|webp|avif|gif|bmp|tiff?|heic|heif)$/i;

/** Tells whether a file is a "picture" or a "video". */
export function findKind({ type, name }) {
  return type.startsWith("image/") || PICTURES.test(name) ? "picture" : "video";
}

/** Says why a file is not sent; "" for a file that can be. */
export function explainUnfit({ name, size }, maxBytes) {
  if (size === 0) return `${name} is empty.`;
  if (size <= maxBytes) return "";
  return `${name} has ${Math.ceil(size / 2 ** 20)} MB; the server takes up to ${maxBytes >> 20} MB.`;
}

/** Finds the last event at or before a time: its index, -1 where there is none. */
export function findEventAt(events, timeS) {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].time_s <= timeS) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

let lastNumber = 0; // of the files of this page

export class DroppedFile {
  /**
   * @param file - the File; link - the Link; stage - the Stage
   * @param isCovered - tells whether the page's own copy must not be seen
   * @param onSay - takes a line; onShown takes each event when it is shown
   */
  constructor(file, { link, stage, isCovered, maxChunkBytes, onSay, onShown }) {
    Object.assign(this, { file, _link: link, _stage: stage, _isCovered: isCovered });
    Object.assign(this, { _onSay: onSay, _onShown: onShown });
    this._chunk = Math.min(CHUNK_BYTES, maxChunkBytes ?? CHUNK_BYTES);
    this.kind = findKind(file);
    this.number = lastNumber += 1; // by which the server's messages on it are known
    this._events = [];
    this._shown = -1;
    this._isSending = false;
    this._isDone = false;
    this._isClosed = false;
    this._waitsForReadings = false;
    this._canPlay = false;
    this.isCovered = false; // whether the server covers faces in what it reads of this file
  }

  /** Offers the file to the server and opens the page's own copy. */
  start() {
    const { name, size } = this.file;
    this.isCovered = this._isCovered();
    this._link.send({ type: "file", name, bytes: size, kind: this.kind, number: this.number });
    if (this.kind === "video") this._openVideo();
    else if (!this._isCovered()) this._openPicture();
  }

  /** Shows the page's own copy of what was read covered. */
  uncover() {
    this.isCovered = false;
    if (this.kind === "picture") this._openPicture();
    else this._goOn();
  }

  /** Takes a "file" message of the server. */
  take({ state }) {
    if (state === "reading" && !this._isSending) {
      this._isSending = true;
      this._sendChunks();
    }
    if (state !== "reading") {
      this._isDone = true;
      this._goOn();
    }
  }

  /** Takes an event of this file, and its covered picture where one came with it. */
  takeEvent(event, jpeg) {
    if (this._isClosed || !this._isSending) return; // else it is of the file before
    this._events.push(event);
    if (jpeg !== null) {
      this._stage.takePicture(jpeg, event);
      this._onShown(event);
    } else if (this.kind === "picture" || !this._canPlay) {
      if (!this._stage.hasPicture) this._stage.fitTo(event.size);
      this._showEvent(event);
    }
    this._goOn();
  }

  /** Stops sending, and forgets the page's own copy. */
  close() {
    this._isClosed = true;
    const { video } = this._stage;
    video.controls = false;
    video.removeAttribute("src");
    video.load();
    if (this._url) URL.revokeObjectURL(this._url);
  }

  async _sendChunks() {
    for (let at = 0; at < this.file.size; at += this._chunk) {
      while (this._link.waitingBytes > MAX_WAITING_BYTES && this._link.isOpen) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
      let part;
      try {
        part = await this.file.slice(at, at + this._chunk).arrayBuffer();
      } catch {
        this._link.send({ type: "cancel" });
        this._onSay(`The browser cannot read ${this.file.name} any more. Choose it again.`);
        return;
      }
      if (this._isClosed || this._isDone) return;
      const bytes = new Uint8Array(1 + part.byteLength);
      bytes[0] = CHUNK_KIND;
      bytes.set(new Uint8Array(part), 1);
      if (!this._link.sendBytes(bytes)) return;
    }
  }

  async _openPicture() {
    if (!(await this._stage.takePicture(this.file, null)) && !this._isClosed) {
      this._onSay("This browser cannot show this kind of picture; its readings are shown alone.");
    }
  }

  _openVideo() {
    const { video } = this._stage;
    video.srcObject = null;
    this._url = URL.createObjectURL(this.file);
    video.src = this._url;
    video.controls = true;
    video.onerror = () => {
      if (this._isClosed) return;
      this._canPlay = false;
      this._onSay("This browser cannot play this kind of video; its readings are shown alone.");
    };
    video.onloadeddata = () => {
      this._canPlay = true;
      this._waitsForReadings = true;
      this._goOn();
      this._follow();
    };
  }

  /** Shows the reading of each frame that is played; waits where playback has overtaken readings. */
  _follow() {
    this._stage.video.requestVideoFrameCallback((now, { mediaTime }) => {
      if (this._isClosed) return;
      if (!this._isCovered()) {
        const at = findEventAt(this._events, mediaTime + 0.005);
        if (at >= 0 && at !== this._shown) {
          this._shown = at;
          this._showEvent(this._events[at]);
        }
        const last = this._events.at(-1)?.time_s ?? -1;
        if (!this._isDone && last <= mediaTime && !this._stage.video.paused) {
          this._waitsForReadings = true;
          this._stage.video.pause();
        }
      }
      this._follow();
    });
  }

  _goOn() {
    const { video } = this._stage;
    if (!this._waitsForReadings || this._isClosed || !this._canPlay || this._isCovered()) return;
    const last = this._events.at(-1)?.time_s ?? -1;
    if (!this._isDone && last < video.currentTime + AHEAD_S) return;
    this._waitsForReadings = false;
    video.play().catch(() => {}); // the user can press the player's own button
  }

  _showEvent(event) {
    this._stage.take(event);
    this._onShown(event);
  }
}
