/**
 * Decides whether the page may show its own picture. It fails closed: from the moment at which the
 * user asks for blur, only pictures that the server has covered are shown, until the server has
 * said that blur is on and later that it is off.
 */
export class Cover {
  constructor() {
    this._isAsked = false; // by the user, and not confirmed by the server yet
    this._isOn = false; // as the server says
  }

  /** True while the page's own picture must not be seen. */
  get isClosed() {
    return this._isAsked || this._isOn;
  }

  /** True while the user has asked for blur and the server has not turned it on. */
  get isAsked() {
    return this._isAsked && !this._isOn;
  }

  /** The user presses the key. Returns true if the server must be asked to switch. */
  press() {
    if (this.isAsked) {
      this._isAsked = false; // the server never answered; the user wants the picture back
      return false;
    }
    if (!this._isOn) this._isAsked = true;
    return true;
  }

  /** Takes what the server says. */
  take(isOn) {
    this._isOn = isOn;
    if (isOn) this._isAsked = false;
  }

  /** The connection is lost: whatever was covered is asked for anew. */
  lose() {
    this._isAsked = this.isClosed;
    this._isOn = false;
  }

  /** Begins with another source, whose blur is on or off as far as is known. */
  begin(isOn) {
    this._isAsked = false;
    this._isOn = isOn;
  }
}
