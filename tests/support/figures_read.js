// Reads every inline figure of a page as it is painted: colours blended with what lies below them.
// Gives rows of [the figure's title, which part, the value], and the figures without words.
() => {
  const parse = (text) => {
    const found = text.match(/[\d.]+/g);
    return !found || text === 'none' ? null
      : [...found.slice(0, 3).map(Number), Number(found[3] ?? 1)];
  };
  const over = (top, alpha, below) =>
    top.slice(0, 3).map((c, i) => c * alpha + below[i] * (1 - alpha));
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const seen = (element, what, below) => {
    const style = getComputedStyle(element), colour = parse(style[what]);
    if (!colour || (what === 'stroke' && !parseFloat(style.strokeWidth))) return below;
    let alpha = colour[3] * Number(style[`${what}Opacity`]);
    for (let at = element; at.tagName !== 'svg'; at = at.parentElement) {
      alpha *= Number(getComputedStyle(at).opacity);
    }
    return over(colour, alpha, below);
  };
  const ground = (svg) => {
    for (let at = svg; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour && colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const inside = (box, x, y) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
  const words = (svg, tag) => svg.querySelector(tag)?.textContent.trim() ?? '';
  // What tells data from the ground: lines, dots and bars; not ticks, nor what is called ground.
  const MARKS = ['[id*=line2d] path', '[id*=line2d] use', '[id*=PathCollection] path',
    '[id*=PathCollection] use', '[id*=patch] path'].join();

  const answer = { small: [], faint: [], weak: [], wordless: [] };
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    const name = words(svg, 'title'), paper = ground(svg);
    if (!name || !words(svg, 'desc')) answer.wordless.push(svg.outerHTML.slice(0, 80));
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const shapes = [...svg.querySelectorAll('path, use, text')]
      .map((shape) => [shape, shape.getBoundingClientRect()]);
    for (const text of svg.querySelectorAll('text')) {
      const said = text.textContent.trim(), box = text.getBoundingClientRect();
      const x = box.left + box.width / 2, y = box.top + box.height / 2;
      let below = paper;
      for (const [shape, its] of shapes) {
        if (shape === text) break;
        if (shape.tagName !== 'text' && inside(its, x, y)) below = seen(shape, 'fill', below);
      }
      answer.small.push([name, said, parseFloat(getComputedStyle(text).fontSize) * scale]);
      answer.faint.push([name, said, contrast(seen(text, 'fill', below), below)]);
    }
    for (const mark of svg.querySelectorAll(MARKS)) {
      if (mark.closest('[id*=tick], [id*=ground], defs')) continue;
      const each = ['stroke', 'fill'].map((what) => contrast(seen(mark, what, paper), paper));
      const which = mark.parentElement.id.replace(/^f[0-9a-f]+-/, '');
      if (Math.max(...each) > 1) answer.weak.push([name, which, Math.max(...each)]);
    }
  }
  return answer;
}
