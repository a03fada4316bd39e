"""Whether a page can be read by everybody: axe-core's rules, and what axe-core does not look at."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS_PX = (1280, 400)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_TEXT_CONTRAST, _MARK_CONTRAST = 4.5, 3.0  # WCAG 1.4.3 and 1.4.11.
_LEAST_LETTER_PX = 9.0
_ONE_LINE = 160

# What follows reads a figure as it is painted: colours blended with what lies below them.
_COLOURS = """
const parse = (text) => {
  const found = text.match(/[\\d.]+/g);
  return !found || text === 'none' ? null : [...found.slice(0, 3).map(Number), Number(found[3] ?? 1)];
};
const over = (top, alpha, below) => top.slice(0, 3).map((c, i) => c * alpha + below[i] * (1 - alpha));
const light = (colour) => {
  const [r, g, b] = colour.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const seen = (element, what, below) => {
  const style = getComputedStyle(element), colour = parse(style[what]);
  if (!colour || (what === 'stroke' && !parseFloat(style.strokeWidth))) return below;
  let alpha = colour[3] * Number(style[what + 'Opacity']);
  for (let at = element; at.tagName !== 'svg'; at = at.parentElement) alpha *= Number(getComputedStyle(at).opacity);
  return over(colour, alpha, below);
};
const ground = (svg) => {
  for (let at = svg; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour && colour[3] === 1) return colour.slice(0, 3);
  }
  return [255, 255, 255];
};
const figures = [...document.querySelectorAll('svg[role=img]')];
const named = (svg) => svg.querySelector('title')?.textContent ?? '';
"""
_SMALL_TEXT = """() => {%s
  return figures.flatMap((svg) => [...svg.querySelectorAll('text')].map((text) => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return [named(svg), text.textContent.trim(), parseFloat(getComputedStyle(text).fontSize) * scale];
  }));
}""" % _COLOURS  # noqa: UP031
_TEXT = """() => {%s
  const inside = (box, x, y) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
  return figures.flatMap((svg) => {
    const shapes = [...svg.querySelectorAll('path, use, text')].map((e) => [e, e.getBoundingClientRect()]);
    return [...svg.querySelectorAll('text')].map((text) => {
      const box = text.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
      let below = ground(svg);
      for (const [shape, its] of shapes) {
        if (shape === text) break;
        if (shape.tagName !== 'text' && inside(its, x, y)) below = seen(shape, 'fill', below);
      }
      return [named(svg), text.textContent.trim(), contrast(seen(text, 'fill', below), below)];
    });
  });
}""" % _COLOURS  # noqa: UP031
_MARKS = """() => {%s
  return figures.flatMap((svg) => [...svg.querySelectorAll('[id*=line2d] path, [id*=line2d] use, [id*=PathCollection] use, [id*=PathCollection] path, [id*=patch] path')]
    .filter((e) => !e.closest('[id*=tick], [id*=ground], defs'))
    .map((mark) => {
      const below = ground(svg), most = Math.max(...['stroke', 'fill'].map((what) => contrast(seen(mark, what, below), below)));
      return [named(svg), mark.parentElement.id.replace(/^f[0-9a-f]+-/, ''), most];
    }).filter(([, , most]) => most > 1));
}""" % _COLOURS  # noqa: UP031


def violations(page: Page) -> list[str]:
    """Return where a page, as it stands in the browser, breaks a rule of WCAG 2.1 A or AA.

    Axe-core's good practices count, too. One line each: the rule, how many elements, the first.
    """
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}})
    return [
        f"{each['id']}: {each['help']} ({len(each['nodes'])}): "
        + " ".join(each["nodes"][0]["html"].split())[:_ONE_LINE]
        for each in found.response["violations"]
    ]


def figure_faults(page: Page) -> list[str]:
    """Return what axe-core leaves out: letters and marks of inline figures that cannot be read.

    Letters need 4.5:1 against what is painted below them and 9 CSS px as shown; marks need 3:1. A
    figure needs words: a title, and a description of what it shows.
    """
    faults = [f"a figure without words: {name!r}" for name in page.evaluate(_WORDLESS)]
    for what, script, least in (
        ("letters of {:.1f} px", _SMALL_TEXT, _LEAST_LETTER_PX),
        ("letters at {:.1f}:1", _TEXT, _TEXT_CONTRAST),
        ("a mark at {:.1f}:1", _MARKS, _MARK_CONTRAST),
    ):
        faults += [
            f"{name}: {what.format(value)}: {which!r}"
            for name, which, value in page.evaluate(script)
            if value < least
        ]
    return list(dict.fromkeys(faults))


_WORDLESS = """() => [...document.querySelectorAll('svg[role=img]')]
  .filter((svg) => !svg.querySelector('title')?.textContent.trim()
    || !svg.querySelector('desc')?.textContent.trim())
  .map((svg) => svg.outerHTML.slice(0, 80))"""


def overflow_px(page: Page) -> int:
    """Return by how much a page is broader than its window; what scrolls by itself is not."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
