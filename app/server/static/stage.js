/** Shows the picture and what is drawn on it, in layers of the same place and size. */

import { HUD_MODES, OverlayPainter } from "./overlay_painter.js";

const CONTROLS_PX = 72; // at the lower edge, where browsers have a player's controls

/**
 * The layers, from below: the page's own camera or file (<video>), the server's picture or the
 * page's own photograph (<canvas>), and the drawing (<canvas>).
 */
export class Stage {
  constructor(root) {
    this.root = root;
    this.video = root.querySelector("video");
    this._picture = root.querySelector(".picture");
    this._renderer = this._picture.getContext("bitmaprenderer");
    this._marks = root.querySelector(".marks");
    this._context = this._marks.getContext("2d");
    this._event = null;
    this._decoding = false;
    this._waiting = null;
    this._hasBitmap = false;
    this._generation = 0; // grows when pictures that are still being decoded are not wanted any more
    this._shows = "picture";
    this.painter = null;
    this.hud = HUD_MODES[0];
    this.listReserved = () => []; // the parts of the stage on which something else stands, px
    this.onPicture = () => {}; // called when there is a picture that was not there
    this.onMirror = () => {}; // called when the picture is mirrored, or is not any more
    this.isMirrored = false;
    new ResizeObserver(() => this.redraw()).observe(this._marks);
    this.video.addEventListener("resize", () => this._fitToVideo());
  }

  /** Begins to draw another stream; `look` is {labels, colours} of the server's hello. */
  begin(look) {
    this.painter = new OverlayPainter(look);
    this.clear();
  }

  /** True while there is something to save. */
  get hasPicture() {
    return this._shows === "video" ? this.video.videoWidth > 0 : this._hasBitmap;
  }

  /**
   * Chooses the layer that is seen: "video" or "picture". Going over to pictures forgets the
   * picture of before, so that nothing shows that was to be covered.
   */
  show(layer) {
    if (layer === this._shows) return;
    this._shows = layer;
    this.root.dataset.shows = layer;
    if (layer === "picture") this.clearPicture();
    else this._fitToVideo();
  }

  /** Forgets the picture and the drawing. */
  clear() {
    this._event = null;
    this.clearPicture();
    this.redraw();
  }

  clearPicture() {
    this._waiting = null;
    this._generation += 1;
    this._renderer.transferFromImageBitmap(null);
    this._hasBitmap = false;
  }

  /** Draws an event over whatever is seen. */
  take(event) {
    this.painter.add(event);
    this._event = event;
    this.redraw();
    document.dispatchEvent(new CustomEvent("expression", { detail: event }));
  }

  /** Takes the event out of the drawing; the picture stays. */
  clearEvent() {
    this._event = null;
    this.redraw();
  }

  /**
   * Shows a picture together with its event. While one is decoded, the newest waits and those
   * before it are left out.
   *
   * @param blob - a picture file; event - its event, or null
   * @returns false where the browser cannot read the picture
   */
  async takePicture(blob, event) {
    if (this._decoding) {
      this._waiting = [blob, event];
      return true;
    }
    this._decoding = true;
    const generation = this._generation;
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      // said by the caller
    }
    this._decoding = false;
    const next = this._waiting;
    if (generation === this._generation) {
      if (bitmap !== null) this._showBitmap(bitmap);
      if (event !== null) this.take(event);
    }
    this._waiting = null;
    if (next !== null) await this.takePicture(...next);
    return bitmap !== null;
  }

  _showBitmap(bitmap) {
    this._setRatio(bitmap.width, bitmap.height);
    if (this._picture.width !== bitmap.width) this._picture.width = bitmap.width;
    if (this._picture.height !== bitmap.height) this._picture.height = bitmap.height;
    this._renderer.transferFromImageBitmap(bitmap);
    const isNew = !this._hasBitmap;
    this._hasBitmap = true;
    if (isNew) this.onPicture();
  }

  _fitToVideo() {
    if (this._shows !== "video") return;
    this._setRatio(this.video.videoWidth, this.video.videoHeight);
    this.onPicture();
  }

  _setRatio(width, height) {
    if (width && height) this.root.style.setProperty("--ratio", width / height);
  }

  /** Sets the shape of the stage where only an event tells it. */
  fitTo([width, height]) {
    this._setRatio(width, height);
  }

  /** Lists the part of the stage on which the player's own controls stand, px. */
  listControls() {
    if (!this.video.controls || this._shows !== "video") return [];
    const [width, height] = [this._marks.clientWidth, this._marks.clientHeight];
    return [{ x: 0, y: Math.max(0, height - CONTROLS_PX), width, height: CONTROLS_PX }];
  }

  nextHud() {
    this.hud = HUD_MODES[(HUD_MODES.indexOf(this.hud) + 1) % HUD_MODES.length];
    this.redraw();
  }

  setMirror(isMirrored) {
    this.isMirrored = isMirrored;
    this.root.classList.toggle("mirrored", isMirrored);
    this.redraw();
    this.onMirror();
  }

  /** Draws anew. */
  redraw() {
    const scale = devicePixelRatio;
    const [width, height] = [this._marks.clientWidth, this._marks.clientHeight];
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (this._marks.width !== wide || this._marks.height !== high) {
      this._marks.width = wide;
      this._marks.height = high;
    }
    this._context.setTransform(scale, 0, 0, scale, 0, 0);
    this._context.clearRect(0, 0, width, height);
    this._paint(this._context, width, height);
  }

  _paint(context, width, height) {
    if (this._event === null || this.painter === null || !width || !height) return;
    const { hud, isMirrored } = this;
    const reserved = this.listReserved();
    const area = { x: 0, y: 0, width, height };
    this.painter.draw(context, this._event, area, { hud, isMirrored, reserved });
  }

  /** Makes a PNG of what is seen, in the picture's own size: a Blob. */
  async makeSnapshot() {
    const source = this._shows === "video" ? this.video : this._picture;
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.save();
    if (this.isMirrored) context.transform(-1, 0, 0, 1, width, 0);
    context.drawImage(source, 0, 0, width, height);
    context.restore();
    // The drawing is the one that is seen, with its places, made larger or smaller.
    const scale = width / (this._marks.clientWidth || width);
    context.scale(scale, scale);
    this._paint(context, width / scale, height / scale);
    return canvas.convertToBlob({ type: "image/png" });
  }
}
