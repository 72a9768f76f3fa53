"""A picture that can be clicked, dragged and moved by keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import param

from dashboards import parts

_SCRIPT = """
export function render({model}) {
  const place = document.createElement("div")
  const held = document.createElement("div")
  const img = document.createElement("img")
  const mark = document.createElement("div")
  place.style.cssText = "display:flex;width:100%;background:#000;overflow:hidden"
  place.style.justifyContent = model.side
  held.style.cssText = "position:relative;line-height:0;overflow:hidden"
  mark.style.cssText = "position:absolute;display:none;border:2px solid #ffd54f;pointer-events:none;" +
    "box-sizing:border-box"
  img.tabIndex = 0
  img.draggable = false
  img.setAttribute("role", "button")
  img.style.cssText = "max-width:100%;min-height:40px;color:#ddd;font:13px/1.4 sans-serif;outline-offset:-3px"
  img.style.cursor = model.drag ? "grab" : "zoom-in"
  img.style.touchAction = model.drag ? "none" : "auto"
  held.append(img, mark)
  place.append(held)
  let address = "", start = null
  const tell = (x, y, way) => model.send_msg({x, y, way})
  const draw = () => {
    img.style.maxHeight = Number(model.tall) + "px"
    img.style.width = model.wide > 0 ? Number(model.wide) + "px" : ""
    img.style.imageRendering = model.crisp ? "pixelated" : "auto"
    img.alt = model.told
    img.style.transform = ""
    if (address) URL.revokeObjectURL(address)
    address = ""
    const content = model.content
    if (content && content.byteLength) {
      address = URL.createObjectURL(new Blob([content], {type: "image/jpeg"}))
      img.src = address
    } else { img.removeAttribute("src") }
  }
  const outline = () => {
    const box = model.marked
    mark.style.display = box && box.length === 4 ? "block" : "none"
    if (!box || box.length !== 4) return
    const sides = ["left", "top", "width", "height"]
    sides.forEach((side, at) => { mark.style[side] = Number(box[at]) * 100 + "%" })
  }
  const where = event => {
    const size = img.getBoundingClientRect()
    return [(event.clientX - size.left) / size.width, (event.clientY - size.top) / size.height]
  }
  img.addEventListener("pointerdown", event => {
    if (!model.drag || event.button !== 0) return
    const size = img.getBoundingClientRect()
    start = {x: event.clientX, y: event.clientY, width: size.width, height: size.height, far: false}
    img.setPointerCapture(event.pointerId)
  })
  img.addEventListener("pointermove", event => {
    if (!start) return
    const x = event.clientX - start.x, y = event.clientY - start.y
    start.far = start.far || Math.hypot(x, y) > 4
    if (start.far) img.style.transform = `translate(${x}px, ${y}px)`
  })
  img.addEventListener("pointerup", event => {
    if (!start) return
    const {x, y, width, height, far} = start
    start = null
    if (far) tell(.5 - (event.clientX - x) / width, .5 - (event.clientY - y) / height, "drag")
    else tell(...where(event), "click")
  })
  img.addEventListener("pointercancel", () => { start = null; img.style.transform = "" })
  img.addEventListener("click", event => { if (!model.drag) tell(...where(event), "click") })
  img.addEventListener("keydown", event => {
    const steps = {Enter: [0, 0], " ": [0, 0], ArrowLeft: [-.25, 0], ArrowRight: [.25, 0],
                   ArrowUp: [0, -.25], ArrowDown: [0, .25]}
    const ways = {"+": "in", "=": "in", "-": "out", "Escape": "close"}
    const step = model.drag || event.key === "Enter" || event.key === " " ? steps[event.key] : undefined
    const way = model.drag ? ways[event.key] : undefined
    if ((!step && !way) || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    if (way) tell(.5, .5, way)
    else tell(.5 + step[0], .5 + step[1], "key")
  })
  for (const name of ["content", "wide", "crisp"]) model.on(name, draw)
  model.on("told", () => { img.alt = model.told })
  model.on("marked", outline)
  model.on("remove", () => { if (address) URL.revokeObjectURL(address) })
  draw()
  outline()
  return place
}
"""
_BRIEF = "p { margin: 2px 0; font-size: 13px; line-height: 1.4; }"
_WAYS = frozenset({"click", "drag", "key", "in", "out", "close"})


class PictureView(pn.custom.JSComponent):
    """A picture that tells where it was clicked or dragged to, by mouse, finger or keys.

    Parameters
    ----------
    told : str
        What is seen, for who cannot see; shown as text.
    side : {"flex-start", "flex-end", "center"}
    tall : int
        Largest height [pixel].
    drag : bool
        Whether it can be dragged and moved by the arrow keys.
    clicked : callable, optional
        Is told x and y of the new middle as parts of the width and height, and the way: click, drag, key,
        in, out, close.
    """

    content = param.Bytes(default=b"", doc="A JPEG file.")
    told = param.String(default="")
    side = param.Selector(default="center", objects=["flex-start", "flex-end", "center"])
    tall = param.Integer(default=480)
    wide = param.Integer(default=0, doc="Width on the screen [pixel]; as it comes if 0.")
    crisp = param.Boolean(default=False, doc="Whether pixels are shown as squares when it is enlarged.")
    drag = param.Boolean(default=False)
    marked = param.List(default=[], doc="Left, top, width, height of a frame, as parts of the picture.")

    _esm = _SCRIPT

    def __init__(self, *, clicked: Callable[[float, float, str], None] | None = None, **params: Any) -> None:
        self._clicked = clicked
        super().__init__(**params)

    def _handle_msg(self, data: Any) -> None:
        """Take a place from the browser, which may send anything."""
        told = data if isinstance(data, dict) else {}
        x, y, way = told.get("x"), told.get("y"), told.get("way")
        if not isinstance(x, int | float) or not isinstance(y, int | float) or self._clicked is None:
            return
        # a drag may end beside the picture
        if -1 <= x <= 2 and -1 <= y <= 2 and isinstance(way, str) and way in _WAYS:
            self._clicked(float(x), float(y), way)


def brief(text: str) -> pn.pane.HTML:
    """Return words that stand close to a picture."""
    said = parts.words(text)
    said.stylesheets = [_BRIEF]
    said.margin = (0, 4)
    return said
