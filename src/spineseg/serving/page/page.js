// The page: a film dropped or chosen goes to this machine's own server, outlines come back.
"use strict";

const at = (id) => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};
let offered = null;  // What the server says of its models.
let shown = null;    // The film in sight: its name, picture and answers.
let asking = null;   // The request under way.

const leastConfidence = () => Number(at("confidence").value);
// Of two outlines of one body the surer is kept, so the answer at any confidence is the sure ones.
const sure = (answer) => answer.vertebrae.filter((v) => v.exact >= leastConfidence());
const learntFrom = (model) =>
  model.synthetic ? "synthetic films only" : model.synthetic === false ? "radiographs" : "films of unknown kind";

async function start() {
  try {
    offered = await (await fetch("/models")).json();
  } catch {
    return problem("The server on this machine does not answer; is `spineseg try` still running?");
  }
  at("confidence").min = offered.least_confidence;
  at("notes").hidden = !offered.notes.length;
  at("notes").append(...offered.notes.map((note) => make("li", { textContent: note })));
  at("synthetic").hidden = !offered.models.some((model) => model.synthetic);
  at("learnt").textContent = offered.models
    .map((model) => `${model.title}: learnt from ${learntFrom(model)}.`).join(" ");
  say(`Ready: ${offered.models.map((model) => model.title).join("; ")}.`);
}

async function take(files) {
  if (!files.length || !offered) return;
  const film = files[0], more = files.length > 1 ? ` (the first of ${files.length})` : "";
  asking?.abort();
  const own = (asking = new AbortController());
  problem("");
  busy(true);
  say(`Reading ${film.name}${more} …`);
  try {
    if (!film.size) throw new Error("the file is empty; choose another");
    if (film.size > offered.most_bytes) {
      throw new Error(`the file has more than ${offered.most_bytes / 2 ** 20} MiB, no film has; make it smaller`);
    }
    const suffix = film.name.match(/\.\w{1,8}$/)?.[0] ?? "";  // The name itself stays here.
    const answer = await fetch(`/films?suffix=${encodeURIComponent(suffix)}`, {
      method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: film, signal: own.signal,
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    const picture = new Image();
    picture.src = `data:image/png;base64,${found.picture}`;
    await picture.decode();
    if (own !== asking) return;
    shown = { ...found, name: film.name, image: picture, more };
    at("result").hidden = false;
    at("drop").className = "small";
    build();
    draw();
    sayFound();
  } catch (error) {
    if (own !== asking || error.name === "AbortError") return;
    const lost = error instanceof TypeError;  // What fetch says of a server that is gone.
    problem(`${film.name}: ${lost ? "the server on this machine does not answer; is `spineseg try` still running?" : error.message}`);
    say(shown ? `In sight is still ${shown.name}.` : "No film yet.");
  } finally {
    if (own === asking) busy(false);
  }
}

function build() {
  const spacing = shown.spacing;
  at("facts").textContent = [
    `${shown.width} × ${shown.height} px`, shown.conversion,
    spacing && `${spacing.row_mm} × ${spacing.column_mm} mm a pixel (${spacing.kind})`,
  ].filter(Boolean).join(" · ");
  at("figures").replaceChildren(...offered.models.map((model) => {
    const save = (what, how) => make("button", {
      type: "button", textContent: `Save ${what}`, ariaLabel: `Save ${what} of the ${model.title}`, onclick: () => how(model),
    });
    const figure = make("figure", { id: `figure-${model.key}` },
      make("figcaption", {}, make("b", { textContent: model.title }),
        ...(model.synthetic ? [make("span", { className: "tag", textContent: "synthetic" })] : []),
        make("span", { className: "count" })),
      make("div", { className: "stage" }, make("canvas", { role: "img" })),
      make("p", { className: "note", textContent: model.text }),
      make("div", { className: "save" }, save("JSON", saveJson), save("picture", savePicture)));
    figure.querySelector("canvas").setAttribute("role", "img");
    return figure;
  }));
}

function draw() {
  if (!shown) return;
  const dots = window.devicePixelRatio || 1;
  for (const answer of shown.answers) {
    const figure = at(`figure-${answer.key}`), canvas = figure.querySelector("canvas");
    const found = sure(answer), stage = figure.querySelector(".stage").clientWidth;
    const high = Math.max(window.innerHeight * 0.8, 320);
    const scale = Math.min(stage / shown.width, high / shown.height, 4);
    drawFilm(canvas, shown.image, found, offered.colours, scale * dots, 11 * dots);
    canvas.style.width = `${canvas.width / dots}px`;
    const names = found.map((v) => `${v.level} ${v.confidence.toFixed(2)}`).join(", ");
    canvas.setAttribute("aria-label", `${shown.name}, ${counted(found)}${names ? `: ${names}` : ""}`);
    figure.querySelector(".count").textContent = counted(found);
  }
  at("shown").textContent = leastConfidence().toFixed(2);
  levels();
}

function sayFound() {
  const each = shown.answers.map((answer, i) => `${offered.models[i].title}: ${counted(sure(answer))}`);
  say(`${shown.name}${shown.more}. ${each.join("; ")}; at confidence ${leastConfidence().toFixed(2)} or more.`);
}

const counted = (found) => found.length === 1 ? "1 vertebra" : `${found.length || "no"} vertebrae`;

function levels() {
  const columns = shown.answers.map(sure);
  const rows = Object.keys(offered.colours).filter((level) => columns.some((c) => c.some((v) => v.level === level)));
  const head = make("tr", {}, ...["Level", ...offered.models.map((m) => m.title)].map((textContent) => make("th", { scope: "col", textContent })));
  const body = rows.map((level) => {
    const chip = make("canvas", { className: "chip", width: 1, height: 1, ariaHidden: "true" });
    const pen = chip.getContext("2d");
    pen.fillStyle = offered.colours[level];
    pen.fillRect(0, 0, 1, 1);
    return make("tr", {}, make("th", { scope: "row" }, chip, level), ...columns.map((column) => {
      const sures = column.filter((v) => v.level === level).map((v) => v.confidence.toFixed(2));
      return make("td", { className: sures.length ? "" : "none", textContent: sures.join(", ") || "–" });
    }));
  });
  const none = make("tr", {}, make("td", { colSpan: columns.length + 1, className: "none", textContent: "No vertebra is that sure." }));
  at("levels").replaceChildren(at("levels").caption, make("thead", {}, head), make("tbody", {}, ...(body.length ? body : [none])));
}

const stem = () => shown.name.replace(/\.\w{1,8}$/, "") || "film";
const answerOf = (model) => shown.answers.find((answer) => answer.key === model.key);
const warning = (model) => `Not a medical device. ${model.title}, learnt from ${learntFrom(model)}.`;

function saveJson(model) {
  const vertebrae = sure(answerOf(model)).map(({ exact, ...rest }) => rest);
  const { name: image, width, height, spacing } = shown;
  const answer = { image, width, height, spacing, vertebrae, weights: model.weights,
    confidence: leastConfidence(), synthetic: model.synthetic, note: warning(model) };
  keep(new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" }), `${stem()}-${model.key}.json`);
}

function savePicture(model) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, 1000 / Math.max(shown.width, shown.height));
  drawFilm(canvas, shown.image, sure(answerOf(model)), offered.colours, scale, 0, warning(model));
  canvas.toBlob((blob) => blob ? keep(blob, `${stem()}-${model.key}.png`)
    : problem(`${shown.name}: is too large for a picture of this browser; save the JSON`));
}

function keep(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`${name} is saved where this browser keeps downloads.`);
}

function say(text) { at("status").textContent = text; }
function busy(is) { at("page").setAttribute("aria-busy", String(is)); }
function problem(text) {
  at("problem").hidden = !text;
  at("problem").textContent = text;
}

let inside = 0;  // Elements that a dragged film is over.
addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; document.body.classList.add("over"); });
addEventListener("dragleave", () => { if (--inside <= 0) { inside = 0; document.body.classList.remove("over"); } });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  inside = 0;
  document.body.classList.remove("over");
  const films = event.dataTransfer.files;
  if (!films.length) return problem("That is no file; drop a film's file.");
  at("choose").files = films;  // So that its name stands there.
  take(films);
});
at("choose").addEventListener("change", (event) => take(event.target.files));
at("choose").addEventListener("click", (event) => { event.target.value = ""; });  // The same again is a choice too.
at("choose").addEventListener("keydown", (event) => {  // Of itself it opens on Space only.
  if (event.key === "Enter") { event.preventDefault(); at("choose").click(); }
});
at("confidence").addEventListener("input", () => { draw(); if (shown) sayFound(); });
let waiting = 0;
addEventListener("resize", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(draw); });
start();
