// Streamlit sends a text when its field is left. A section's text is sent while it is typed, so that no reload loses it.
if (!window.caselinkTyping) {
  window.caselinkTyping = true;
  const EVERY_MS = 700;
  const waiting = new Map();
  const send = (field) => {
    clearTimeout(waiting.get(field));
    waiting.delete(field);
    const enter = { key: "Enter", code: "Enter", keyCode: 13, ctrlKey: true, bubbles: true, cancelable: true };
    if (field.isConnected) field.dispatchEvent(new KeyboardEvent("keydown", enter));
  };
  const all = () => [...waiting.keys()].forEach(send);
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("[class*='st-key-section-'] textarea") || waiting.has(target)) return;
    waiting.set(target, setTimeout(send, EVERY_MS, target));
  });
  document.addEventListener("visibilitychange", all);
  window.addEventListener("beforeunload", (event) => {
    if (waiting.size) event.preventDefault(); // the browser asks, and what was typed last is kept before anyone answers
    all();
  });
}
