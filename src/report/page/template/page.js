(function () {
  "use strict";
  var root = document.documentElement, tip = document.getElementById("tip"), said = document.getElementById("said");

  // The theme: the reader's system decides until the button does.
  var theme = document.getElementById("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  function other() { return (root.dataset.theme ? root.dataset.theme === "dark" : system.matches) ? "light" : "dark"; }
  function name() { theme.textContent = "Switch to " + other(); }
  theme.hidden = false;
  theme.addEventListener("click", function () { root.dataset.theme = other(); name(); });
  system.addEventListener("change", name);
  name();

  // On a narrow screen the list of contents starts folded.
  if (innerWidth < 1200) document.getElementById("contents").open = false;

  // Tooltips.
  function show(mark, x, y) {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    var box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - box.width - 4)) + "px";
    tip.style.top = (y + 16 + box.height > innerHeight ? Math.max(4, y - box.height - 8) : y + 16) + "px";
  }
  function place(mark) { var box = mark.getBoundingClientRect(); show(mark, box.right, box.top); }
  function hide() { tip.hidden = true; }
  function over(event) {
    var mark = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (mark) { walking = null; show(mark, event.clientX, event.clientY); } else if (!walking) hide();
  }
  document.addEventListener("pointermove", over);
  document.addEventListener("pointerdown", over);
  // A tooltip of the mouse is not where it belongs once the page has moved; one of the keyboard follows its mark.
  var walking = null;
  document.addEventListener("scroll", function () { if (walking) place(walking); else hide(); }, true);

  // A segment that is pointed at stands out in all charts; a click keeps it so.
  var kept = null;
  function highlight(segment) { if (segment === null) delete root.dataset.highlight; else root.dataset.highlight = segment; }
  function segmentOf(element) {
    var mark = element.closest ? element.closest("[data-s],[data-key]") : null;
    if (!mark) return null;
    if (mark.dataset.s) return mark.dataset.s;
    var found = /^s(\d+)$/.exec(mark.dataset.key || "");
    return found ? found[1] : null;
  }
  document.addEventListener("pointerover", function (event) { highlight(segmentOf(event.target) || kept); });
  document.addEventListener("focusin", function (event) { highlight(segmentOf(event.target) || kept); });
  document.addEventListener("click", function (event) {
    var segment = segmentOf(event.target);
    if (segment !== null && !event.target.closest("a")) { kept = kept === segment ? null : segment; highlight(kept); }
  });

  // In a chart that has the focus, the arrow keys walk through its marks.
  document.querySelectorAll(".drawing").forEach(function (box) {
    var at = -1, marks = null;
    function leave() { if (marks && marks[at]) marks[at].classList.remove("at"); walking = null; hide(); highlight(kept); }
    box.addEventListener("keydown", function (event) {
      var step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1
        : event.key === "ArrowLeft" || event.key === "ArrowUp" ? -1 : 0;
      if (event.key === "Escape") { leave(); at = -1; kept = null; highlight(null); return; }
      if (!step) return;
      event.preventDefault();
      marks = marks || box.querySelectorAll("[data-tip]");
      if (!marks.length) return;
      leave();
      at = at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length;
      var mark = marks[at];
      mark.classList.add("at");
      walking = mark;
      place(mark);
      highlight(segmentOf(mark) || kept);
      said.textContent = mark.dataset.tip;
    });
    box.addEventListener("focusout", leave);
  });

  // Tables are sorted by the heads of their columns.
  document.querySelectorAll("table").forEach(function (table) {
    var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
    Array.prototype.forEach.call(heads, function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") === "descending" || !head.hasAttribute("aria-sort") && !head.classList.contains("number");
        Array.prototype.forEach.call(heads, function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        var value = function (row) {
          var cell = row.cells[column];
          return cell && cell.dataset.value !== undefined ? Number(cell.dataset.value) : null;
        };
        var rows = Array.prototype.slice.call(body.rows);
        rows.sort(function (a, b) {
          var x = value(a), y = value(b);
          if (x === null && y === null) return (up ? 1 : -1) * a.cells[column].textContent.localeCompare(b.cells[column].textContent);
          if (x === null) return 1;
          if (y === null) return -1;
          return (up ? 1 : -1) * (x - y);
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });
})();
