/** Opens the browser's own camera, and sends its newest picture whenever the one before is answered. */

import { SizeControl } from "./sizing.js";

const PICTURE_KIND = 1; // the first byte of the message
const ANSWER_LIMIT_MS = 10_000; // after it, the next picture is sent without an answer
const MAX_UNANSWERED = 64;

// One line for each way in which a browser refuses a camera.
const REFUSALS = {
  NotAllowedError:
    "The browser may not use the camera. Allow it in the site's settings, beside the address.",
  NotFoundError: "No camera was found on this device. Plug one in, or choose another source.",
  NotReadableError: "The camera is in use by another program, or does not answer.",
  OverconstrainedError: "This camera is not there any more. Choose another one.",
  SecurityError: "The browser's settings forbid cameras on this page.",
};
const INSECURE =
  "Browsers give cameras only to https and to localhost, and this address is neither. " +
  "Open the page on the machine itself, or put https in front of the server.";

/** Says in one line why a camera could not be opened. */
export function explainRefusal(error) {
  return REFUSALS[error.name] ?? `The camera could not be opened: ${error.message || error.name}.`;
}

/** Opens a camera. Returns its track; throws an Error whose message is one clear line. */
export async function openCamera(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  if (deviceId) wanted.deviceId = { exact: deviceId };
  else wanted.facingMode = "user";
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    return stream.getVideoTracks()[0];
  } catch (error) {
    throw new Error(explainRefusal(error), { cause: error });
  }
}

/** Plays a camera in `video`. */
export async function showCamera(video, track) {
  video.srcObject = new MediaStream([track]);
  video.muted = true;
  await video.play().catch(() => {}); // a source that was changed meanwhile; the next one plays
}

/** Lists the cameras of this device: [{id, name}]. Names are known once one was opened. */
export async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const cameras = devices.filter((device) => device.kind === "videoinput");
  return cameras.map((one, at) => ({ id: one.deviceId, name: one.label || `Camera ${at + 1}` }));
}

/** Sends the pictures of a video element: the newest one, and one at a time. */
export class PictureSender {
  /**
   * @param video - the element that plays the camera
   * @param send - takes the bytes of a message; returns false where there is no connection
   * @param maxSide - the longest side that the server takes, px
   * @param maxBytes - the largest picture that the server takes
   */
  constructor(video, { send, maxSide, maxBytes }) {
    Object.assign(this, { _video: video, _send: send, _maxSide: maxSide, _maxBytes: maxBytes });
    this._control = new SizeControl();
    this._canvas = new OffscreenCanvas(1, 1);
    this._context = this._canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this._sequence = 0;
    this._sent = new Map(); // sequence -> {capturedMs, sentMs}
    this._newest = null; // when the newest picture that was not sent was captured, ms
    this._isBusy = false;
    this._runs = false;
    this._run = 0; // number of the newest start
    this._wait = 0;
  }

  start() {
    this._runs = true;
    this._run += 1;
    this._follow();
  }

  stop() {
    this._runs = false;
    this._run += 1;
    clearTimeout(this._wait);
    this._video.cancelVideoFrameCallback(this._frame);
    this._sent.clear();
    this._isBusy = false;
    this._newest = null;
  }

  /** Takes the number of an answer. Returns ms from the picture to its answer, null if unknown. */
  take(sequence) {
    const one = this._sent.get(sequence);
    if (one === undefined) return null;
    for (const before of this._sent.keys()) if (before <= sequence) this._sent.delete(before);
    const now = performance.now();
    const side = Math.max(this._video.videoWidth, this._video.videoHeight);
    this._control.add(now - one.sentMs, now, side);
    if (sequence === this._sequence) this._free();
    return now - one.capturedMs;
  }

  _follow() {
    this._frame = this._video.requestVideoFrameCallback((now, { captureTime }) => {
      if (!this._runs) return;
      this._newest = captureTime ?? now;
      this._sendNewest();
      this._follow();
    });
  }

  _free() {
    clearTimeout(this._wait);
    this._isBusy = false;
    this._sendNewest();
  }

  async _sendNewest() {
    const { videoWidth, videoHeight } = this._video;
    if (!this._runs || this._isBusy || this._newest === null || !videoWidth) return;
    this._isBusy = true;
    const [run, capturedMs] = [this._run, this._newest];
    this._newest = null;
    const [width, height] = this._control.fit(videoWidth, videoHeight, this._maxSide);
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
    }
    this._context.drawImage(this._video, 0, 0, width, height);
    const quality = this._control.quality;
    const blob = await this._canvas.convertToBlob({ type: "image/jpeg", quality });
    const jpeg = new Uint8Array(await blob.arrayBuffer());
    if (run !== this._run) return;
    this._sequence += 1;
    const message = packPicture(this._sequence, capturedMs / 1000, jpeg);
    const sentMs = performance.now();
    if (jpeg.length > this._maxBytes || !this._send(message)) {
      this._isBusy = false; // the next picture may be smaller, and the connection back
      if (jpeg.length > this._maxBytes) this._control.add(Infinity, sentMs);
      return;
    }
    this._sent.set(this._sequence, { capturedMs, sentMs });
    if (this._sent.size > MAX_UNANSWERED) this._sent.delete(this._sent.keys().next().value);
    this._wait = setTimeout(() => this._free(), ANSWER_LIMIT_MS);
  }
}

/** Makes the message of a picture: kind, sequence (u32), capture time in s (f64), JPEG. */
export function packPicture(sequence, capturedS, jpeg) {
  const bytes = new Uint8Array(13 + jpeg.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PICTURE_KIND);
  view.setUint32(1, sequence, true);
  view.setFloat64(5, capturedS, true);
  bytes.set(jpeg, 13);
  return bytes;
}
