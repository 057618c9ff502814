// The one time of a page: the player moves it, and everything that shows a place in the recording follows.

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Tells `time` listeners of the place in seconds while it plays and when somebody seeks. */
export class Clock extends EventTarget {
  #known;

  constructor(audio, duration = 0) {
    super();
    this.audio = audio;
    this.#known = duration;
    for (const kind of ["play", "pause", "ended", "loadedmetadata", "error"]) {
      audio.addEventListener(kind, () => this.dispatchEvent(new Event("state")));
    }
    for (const kind of ["timeupdate", "seeking", "seeked"]) audio.addEventListener(kind, () => this.#tell());
    audio.addEventListener("play", () => this.#run());
  }

  get now() {
    return this.audio.currentTime || 0;
  }

  /** In seconds; what the lanes are measured by, so it does not change when the browser finds another. */
  get duration() {
    return this.#known || (Number.isFinite(this.audio.duration) ? this.audio.duration : 0);
  }

  get playing() {
    return !this.audio.paused;
  }

  seek(seconds) {
    this.audio.currentTime = Math.max(0, Math.min(seconds, this.duration || seconds));
    this.#tell();
  }

  by(seconds) {
    this.seek(this.now + seconds);
  }

  toggle() {
    if (this.playing) this.audio.pause();
    else this.audio.play().catch(() => this.dispatchEvent(new Event("state")));
  }

  stop() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  /** Call `act` with the seconds now, and whenever they change. */
  follow(act) {
    this.addEventListener("time", () => act(this.now));
    act(this.now);
  }

  #tell() {
    this.dispatchEvent(new Event("time"));
  }

  #run() {
    if (STILL.matches || !this.playing) return;
    this.#tell();
    requestAnimationFrame(() => this.#run());
  }
}
