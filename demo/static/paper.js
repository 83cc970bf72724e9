// The paper: strokes, drawn by a pointer or by keys, as points from 0 to 1.

const STEP = 1 / 28; // of an arrow key
const NEAR = 0.004; // points nearer than that to the last one are left out
const MOST = 3900; // points of a drawing that the server takes
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Paper {
  // `changed` is called when the drawing changed, `say` with what a person should hear.
  constructor(canvas, changed, say) {
    this.canvas = canvas;
    this.changed = changed;
    this.say = say;
    this.strokes = [];
    this.pen = [0.5, 0.2];
    this.down = false; // the pen of the keyboard
    this.pointer = null; // that draws now
    this.held = new Set(); // arrow keys
    const on = (name, handler) => canvas.addEventListener(name, handler);
    on("pointerdown", (event) => this.begin(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.end(event));
    on("pointercancel", (event) => this.end(event));
    on("keydown", (event) => this.key(event));
    on("keyup", (event) => this.held.delete(event.key));
    on("focus", () => this.draw());
    on("blur", () => this.leave());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  get empty() {
    return this.strokes.length === 0;
  }

  clear() {
    this.strokes = [];
    if (this.down) this.strokes.push([[...this.pen]]);
    this.draw();
    this.changed();
  }

  add(point) {
    const stroke = this.strokes.at(-1);
    const last = stroke.at(-1);
    if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < NEAR) return;
    if (this.strokes.reduce((sum, each) => sum + each.length, 0) < MOST) stroke.push(point);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    return [
      inside((event.clientX - box.left) / box.width),
      inside((event.clientY - box.top) / box.height),
    ];
  }

  begin(event) {
    if (event.button !== 0 || this.pointer !== null) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.down = false;
    this.strokes.push([this.place(event)]);
    this.draw();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    for (const each of event.getCoalescedEvents?.() ?? []) this.add(this.place(each));
    this.add(this.place(event));
    this.draw();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.pen = [...this.strokes.at(-1).at(-1)];
    this.draw();
    this.changed();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in MOVES) {
      this.held.add(event.key);
      this.step();
    } else if (event.key === " ") {
      if (!event.repeat) this.toggle();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  step() {
    // Two arrow keys at a time go across.
    for (const key of this.held) {
      this.pen = this.pen.map((value, axis) =>
        Math.min(Math.max(value + STEP * MOVES[key][axis], 0), 1));
    }
    if (this.down) this.add([...this.pen]);
    this.draw();
    if (this.down) this.changed();
  }

  toggle() {
    this.down = !this.down;
    if (this.down) this.strokes.push([[...this.pen]]);
    this.say(this.down ? "Pen down" : "Pen up");
    this.draw();
    this.changed();
  }

  leave() {
    this.held.clear();
    this.down = false;
    this.draw();
  }

  draw() {
    const style = getComputedStyle(document.documentElement);
    const side = this.canvas.width;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, side, side);
    context.strokeStyle = context.fillStyle = style.getPropertyValue("--ink");
    context.lineWidth = side / 14;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(stroke[0][0] * side, stroke[0][1] * side);
      for (const [x, y] of stroke) context.lineTo(x * side, y * side);
      context.stroke();
    }
    if (document.activeElement === this.canvas) {
      context.beginPath();
      context.strokeStyle = context.fillStyle = style.getPropertyValue("--accent");
      context.lineWidth = 3;
      context.arc(this.pen[0] * side, this.pen[1] * side, side / 40, 0, 2 * Math.PI);
      if (this.down) context.fill();
      context.stroke();
    }
  }
}
