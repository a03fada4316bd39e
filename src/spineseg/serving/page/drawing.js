// Draws a film with outlines and labels on a canvas: the same for the page and for the saved picture.
"use strict";

/* `film` is an image; `vertebrae` have a polygon in its pixels, level and confidence. One pixel of
   the film is `scale` of the canvas; letters are at least `leastFont` high. */
function drawFilm(canvas, film, vertebrae, colours, scale, leastFont, footer) {
  const width = Math.round(film.naturalWidth * scale), height = Math.round(film.naturalHeight * scale);
  const font = labelSize(width, height, vertebrae.length, leastFont);
  const foot = footer ? Math.round(Math.max(width / 42, 13) * 2) : 0;
  canvas.width = width;
  canvas.height = height + foot;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(film, 0, 0, width, height);
  const bodies = vertebrae.map((v) => v.polygon.map(([x, y]) => [x * scale, y * scale]));
  pen.lineJoin = "round";
  vertebrae.forEach((v, i) => {
    const path = outline(bodies[i]);
    pen.fillStyle = colours[v.level];
    pen.globalAlpha = 0.3;
    pen.fill(path);
    pen.globalAlpha = 1;
    const line = Math.max(1.25, Math.min(width, height) / 400);
    pen.lineWidth = line * 2.4;  // A dark rim, for bodies as bright as the line.
    pen.strokeStyle = "rgba(0, 0, 0, .55)";
    pen.stroke(path);
    pen.lineWidth = line;
    pen.strokeStyle = colours[v.level];
    pen.stroke(path);
  });
  pen.font = `600 ${font}px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
  pen.textBaseline = "middle";
  for (const label of placedLabels(pen, vertebrae, bodies, font, width, height)) {
    pen.strokeStyle = colours[label.level];
    pen.lineWidth = Math.max(1, font / 12);
    pen.beginPath();
    pen.moveTo(...label.from);
    pen.lineTo(label.side > 0 ? label.x - font * 0.2 : label.x + label.width + font * 0.2, label.y);
    pen.stroke();
    pen.strokeStyle = "#000";
    pen.lineWidth = Math.max(2, font / 4);
    pen.strokeText(label.text, label.x, label.y);
    pen.fillStyle = "#fff";
    pen.fillText(label.text, label.x, label.y);
  }
  if (foot) {
    pen.fillStyle = "#0c0e11";
    pen.fillRect(0, height, width, foot);
    pen.fillStyle = "#ffd98a";
    pen.font = `600 ${Math.max(width / 42, 9)}px system-ui, "DejaVu Sans", sans-serif`;
    pen.fillText(footer, foot * 0.4, height + foot / 2, width - foot * 0.8);
  }
}

function labelSize(width, height, count, least) {
  const fits = (height / (count + 1)) * 0.8;  // All of them, one below the other.
  return Math.max(7, Math.min(Math.max(Math.min(width, height) / 34, least), fits));
}

function outline(points) {
  const path = new Path2D();
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  return path;
}

/* Labels beside their bodies, top to bottom, none over another. */
function placedLabels(pen, vertebrae, bodies, font, width, height) {
  const gap = font * 0.7, line = font * 1.15;
  const labels = vertebrae.map((v, i) => {
    const xs = bodies[i].map((p) => p[0]), ys = bodies[i].map((p) => p[1]);
    const left = Math.min(...xs), right = Math.max(...xs), y = (Math.min(...ys) + Math.max(...ys)) / 2;
    const text = `${v.level} ${v.confidence.toFixed(2)}`, wide = pen.measureText(text).width;
    const side = right + gap + wide < width || left - gap - wide < 0 ? 1 : -1;
    const x = side > 0 ? Math.min(right + gap, width - wide - 2) : left - gap - wide;
    return { level: v.level, text, width: wide, side, x, y, from: [side > 0 ? right : left, y] };
  });
  labels.sort((a, b) => a.y - b.y);
  for (const side of [1, -1]) {
    const column = labels.filter((label) => label.side === side);
    const spread = apart(column.map((label) => label.y), line, line / 2, height - line / 2);
    column.forEach((label, i) => { label.y = spread[i]; });
  }
  return labels;
}

/* Sorted places moved as little as can be so that `step` lies between any two: those that are too
   near form a block about the mean of where they want to be (pooled adjacent violators). */
function apart(places, step, first, last) {
  const blocks = [];
  places.forEach((place, i) => {
    let block = { sum: place - i * step, count: 1 };
    while (blocks.length && blocks.at(-1).sum / blocks.at(-1).count >= block.sum / block.count) {
      const above = blocks.pop();
      block = { sum: above.sum + block.sum, count: above.count + block.count };
    }
    blocks.push(block);
  });
  const lowest = last - (places.length - 1) * step;
  return blocks.flatMap(({ sum, count }) => Array(count).fill(Math.max(first, Math.min(sum / count, lowest))))
    .map((start, i) => start + i * step);
}
