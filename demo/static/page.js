// The page: what is asked of the server, one question at a time, and what it answered.

import { Paper } from "/static/paper.js";

const WAIT = 250; // milliseconds after a change, before the board is asked

const by = (id) => document.getElementById(id);
const text = (id, words) => { by(id).textContent = words; };
const number = (value) => value.toLocaleString("en");

let state = null;
let chosen = null; // the test image, null: the drawing
let timer = 0;
let busy = false;
let stale = false; // something changed while the board was asked

const paper = new Paper(by("paper"), drawn, (words) => text("pen", words));

function drawn() {
  choose(null);
  soon();
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT);
}

function choose(sample) {
  chosen = sample;
  by("samples").childNodes.forEach((button, place) =>
    button.setAttribute("aria-pressed", String(place === sample)));
}

async function send(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw { error: "The server of this page does not answer.",
      how: "It may have been ended: start sobolpath demo again, then load the address it says." };
  }
  if (response.ok) return response;
  const found = await response.json().catch(() => null);
  const how = found?.gone
    ? "See that the board is plugged in and programmed and no other program uses its port, then "
      + "press Try again. Nothing needs to be started anew."
    : "";
  throw { error: found?.error ?? `The server says ${response.status}.`, how };
}

function fail(problem) {
  by("error").hidden = false;
  text("error-text", problem.error ?? String(problem));
  text("error-how", problem.how ?? "");
  text("answer", "There is no answer.");
  details(false);
}

function details(shown) {
  by("details").hidden = !shown;
  by("none").hidden = shown;
}

async function start() {
  state = await (await send("/state")).json();
  const images = state.images_together > 1 ? `, ${state.images_together} images at a time` : "";
  text("about", `${state.title} on ${state.port}: ${state.lanes} lanes at `
    + `${state.clock_mhz} MHz${images}.`);
  text("origin", state.origin);
  by("samples").replaceChildren(...state.samples.map(sampleButton));
  by("size").max = state.sizes.length - 1;
  by("size").value = state.sizes.length - 1;
  by("growth").hidden = state.sizes.length < 2;
  sized();
}

function sampleButton(sample, place) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", `Test image ${place + 1}: ${named(sample.label)}`);
  button.setAttribute("aria-pressed", "false");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 28;
  paint(canvas, sample.pixels);
  button.append(canvas);
  button.addEventListener("click", () => { choose(place); ask(); });
  return button;
}

function paint(canvas, pixels) {
  const image = new ImageData(28, 28);
  pixels.forEach((value, place) => image.data.set([value, value, value, 255], 4 * place));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const named = (label) => state.labels?.[label] ?? String(label);
const size = () => state.sizes[by("size").value];

function sized() {
  const { size: paths, accuracy } = size();
  const right = accuracy === null ? "" : `: ${(100 * accuracy).toFixed(1)}% of held-out images right`;
  const words = `${number(paths)} paths${right}`;
  text("size-text", words);
  by("size").setAttribute("aria-valuetext", words);
}

function question() {
  if (chosen !== null) return { size: size().size, sample: chosen };
  return paper.empty ? null : { size: size().size, strokes: paper.strokes };
}

async function ask() {
  clearTimeout(timer);
  if (busy) {
    stale = true;
    return;
  }
  busy = true;
  try {
    do {
      stale = false;
      await once();
    } while (stale);
  } catch (problem) {
    fail(problem);
  } finally {
    busy = false;
  }
}

async function once() {
  if (state === null) await start();
  const body = question();
  if (body === null) {
    by("error").hidden = true;
    details(false);
    text("answer", "Nothing is drawn yet.");
    return;
  }
  by("answer").setAttribute("aria-busy", "true");
  show(await (await send("/answer", body)).json());
  if (!stale) await picture(body);
}

function show(answer) {
  by("error").hidden = true;
  details(true);
  const said = document.createElement("strong");
  said.textContent = named(answer.class);
  const wrong = answer.label !== null && answer.label !== answer.class
    ? ` The image is labelled ${named(answer.label)}.` : "";
  by("answer").replaceChildren("This is a ", said, `.${wrong}`);
  by("answer").removeAttribute("aria-busy");
  by("logits").replaceChildren(...bars(answer.logits, answer.class));
  text("cycles", number(answer.cycles));
  text("time", answer.microseconds === null ? "not known"
    : `${number(Math.round(answer.microseconds))} µs at ${state.clock_mhz} MHz`);
  text("weights", number(answer.weights));
  paint(by("seen"), answer.pixels);
}

function bars(logits, best) {
  const low = Math.min(0, ...logits);
  const span = Math.max(0, ...logits) - low || 1;
  return logits.map((value, place) => {
    const row = document.createElement("tr");
    row.className = place === best ? "chosen" : "";
    const [head, cell, last] = ["th", "td", "td"].map((name) => document.createElement(name));
    head.scope = "row";
    head.textContent = named(place);
    const bar = document.createElement("span");
    const fill = document.createElement("span");
    bar.className = "bar";
    fill.className = value < 0 ? "less" : "";
    fill.style.left = `${(100 * (Math.min(value, 0) - low)) / span}%`;
    fill.style.width = `${(100 * Math.abs(value)) / span}%`;
    bar.append(fill);
    cell.append(bar);
    last.textContent = number(value);
    row.append(head, cell, last);
    return row;
  });
}

let shown = null; // the address of the picture

async function picture(body) {
  const image = by("picture");
  text("picture-text", "");
  try {
    const content = await (await send("/picture", body)).blob();
    if (shown !== null) URL.revokeObjectURL(shown);
    shown = URL.createObjectURL(content);
    image.src = shown;
    image.alt = "The network: inputs on the left, classes on the right, and lines between them. "
      + "Blue paths raise the logit of the class, orange ones lower it.";
    image.hidden = false;
  } catch (problem) { // as where matplotlib is not installed: the answer stands
    image.hidden = true;
    text("picture-text", problem.error ?? String(problem));
  }
}

by("clear").addEventListener("click", () => { choose(null); paper.clear(); });
by("again").addEventListener("click", ask);
by("size").addEventListener("input", () => { sized(); soon(); });
ask();
