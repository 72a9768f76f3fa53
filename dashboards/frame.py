"""What the browser does around the pages for those who use keys, a screen reader or a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import param

_SCRIPT = """
const CSS = `
.bac-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.bac-skip { position: fixed; border: 0; left: 8px; top: -80px; z-index: 99999; padding: 10px 16px;
  border-radius: 6px; background: #fff; color: #06192b; font: 600 15px system-ui, sans-serif;
  box-shadow: 0 2px 12px #0006; }
.bac-skip:focus { top: 8px; outline: 3px solid #1f7ae0; }
`
const KEPT = "bactools-theme"

function shell() {
  for (const each of document.body.querySelectorAll("*")) {
    if (each.shadowRoot && each.shadowRoot.querySelector("main")) return each.shadowRoot
  }
  return null
}

export function render({model}) {
  const place = document.createElement("div")
  const style = document.createElement("style")
  style.textContent = CSS
  document.head.append(style)

  const skip = document.createElement("button")
  skip.className = "bac-skip"
  skip.textContent = "Skip to the page's content"
  skip.addEventListener("click", () => {
    const main = shell()?.querySelector(".main-content")
    if (!main) return
    main.tabIndex = -1
    main.style.outline = "none"
    main.focus()
  })
  const says = document.createElement("div")
  says.className = "bac-hidden"
  says.setAttribute("role", "status")
  says.setAttribute("aria-live", "polite")
  const first = document.createElement("nav")
  first.setAttribute("aria-label", "Shortcut")
  first.append(skip)
  document.body.prepend(first)
  document.body.append(says)

  // what the page's frame, which is not ours, does not tell of itself
  const mend = root => {
    for (const bar of root.querySelectorAll("[role=progressbar]:not([aria-label])")) {
      bar.setAttribute("aria-label", "Busy")
    }
    for (const empty of root.querySelectorAll(".MuiToolbar-root > h5:not([role])")) {
      empty.setAttribute("role", "presentation")
      empty.setAttribute("aria-hidden", "true")
    }
    const nav = root.querySelector("nav:not([aria-label])")
    if (nav) nav.setAttribute("aria-label", "Side bar")
    const header = root.querySelector("header button[aria-label$=drawer]")
    if (header) {
      const open = header.getAttribute("aria-label").startsWith("Close")
      header.setAttribute("aria-expanded", String(open))
    }
  }
  // the server loses what is touched before it has heard that the page is drawn, so nothing can be
  const wait = () => {
    const root = shell()
    if (root) root.host.inert = !model.ready
  }
  let watcher = null
  const found = () => {
    const root = shell()
    if (!root) { setTimeout(found, 10); return }
    wait()
    mend(root)
    watcher = new MutationObserver(() => mend(root))
    watcher.observe(root, {childList: true, subtree: true, attributeFilter: ["aria-label"]})
  }
  found()

  const small = window.matchMedia("(max-width: 599px)")
  const tell = () => model.send_msg({narrow: small.matches})
  small.addEventListener("change", tell)
  const named = () => { if (model.titled) document.title = model.titled }
  const say = () => { says.textContent = model.ready ? model.said : "" }
  const open = () => { wait(); say() }
  const darken = () => {
    const style = document.documentElement.style, ways = {
      "--bac-dark": ["0", "1"], "--bac-blend": ["normal", "screen"],
      "--bac-note": ["#fff3dc", "#33270f"], "--bac-note-text": ["#5c3a00", "#ffdf9e"],
      "color-scheme": ["light", "dark"],
    }
    for (const [name, way] of Object.entries(ways)) style.setProperty(name, way[Number(model.dark)])
  }
  const keep = () => {
    darken()
    try { localStorage.setItem(KEPT, model.dark ? "dark" : "light") } catch { /* it may be forbidden */ }
  }
  // Panel hears of an address that changes, but not of the button that changes it
  const back = () => {
    const push = window.history.pushState
    window.history.pushState = () => {}
    for (const document of window.Bokeh.documents) {
      for (const each of document.all_models) {
        if (each.type === "panel.models.location.Location") each.search = window.location.search
      }
    }
    window.history.pushState = push
    model.send_msg({back: true})
  }
  window.addEventListener("popstate", back)
  let chosen = null
  try { chosen = localStorage.getItem(KEPT) } catch { /* it may be forbidden */ }
  const dark = chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches
  darken()
  named()
  say()
  model.on("titled", named)
  model.on("said", say)
  model.on("ready", open)
  model.on("dark", keep)
  model.on("remove", () => {
    watcher?.disconnect()
    small.removeEventListener("change", tell)
    window.removeEventListener("popstate", back)
    for (const each of [style, first, says]) each.remove()
  })
  setTimeout(() => model.send_msg({narrow: small.matches, dark}), 0)
  return place
}
"""


class Frame(pn.custom.JSComponent):
    """What surrounds the pages, unseen: a link to the content, what is said to a screen reader, the theme.

    Parameters
    ----------
    told : callable, optional
        Is told ``narrow``, whether the screen is a phone's, once ``dark``, whether a dark page is wished, and
        ``back``, whenever the browser went back or forth.
    """

    titled = param.String(default="", doc="Title of the browser's tab.")
    said = param.String(default="", doc="What is read out, as text.")
    dark = param.Boolean(default=False, doc="Whether the page is dark.")
    ready = param.Boolean(default=False, doc="Whether the page may be touched.")

    _esm = _SCRIPT

    def __init__(self, *, told: Callable[[str, bool], None] | None = None, **params: Any) -> None:
        self._told = told
        super().__init__(**params)

    def _handle_msg(self, data: Any) -> None:
        """Take what the browser is like; it may send anything."""
        if not isinstance(data, dict) or self._told is None:
            return
        for name in ("narrow", "dark", "back"):
            if isinstance(data.get(name), bool):
                self._told(name, data[name])
