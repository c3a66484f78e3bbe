// Glossary links show their term's definition on hover, focus and touch (fer_lib/site/tips.py puts it into the title).
document.addEventListener("DOMContentLoaded", () => {
  window.tippy('a[title][href*="glossary.html#term-"]', {
    content(link) {
      const text = link.title;
      link.removeAttribute("title");
      return text;
    },
    maxWidth: 340,
    touch: ["hold", 400],
    duration: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
  });
});
