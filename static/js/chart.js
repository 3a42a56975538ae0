// What every chart needs: colours from the tokens, and being drawn anew when its width or the theme changes.

const FORCED = matchMedia("(forced-colors: active)");

/** Resolve a colour token: it may be light-dark(…), which a canvas does not understand. Forced colours know no tokens. */
export const colour = (name) => {
  const probe = document.createElement("span");
  probe.style.color = FORCED.matches && name.startsWith("line") ? "GrayText" : `var(--${name})`;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
};

/** Draw with `make(width)`, and again whenever the place's width or the theme changes. */
export const keepDrawn = (place, make) => {
  let chart;
  const draw = () => {
    chart?.destroy();
    chart = make(place.clientWidth);
  };
  draw();
  new ResizeObserver(() => {
    if (place.clientWidth !== chart.width) draw();
  }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  FORCED.addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
};
