// Play, pause and step through a whole-number parameter.

export function player(ui, name, perSecond) {
  const { low, high } = ui.about.parameters[name];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let [timer, before, rest] = [0, 0, 0];
  const play = ui.button("Play", () => (timer ? stop() : start()));
  ui.button("Step", () => {
    stop();
    ui.set({ [name]: Math.min(ui.state[name] + 1, high) });
  });
  function start() {
    if (ui.state[name] >= high) ui.set({ [name]: low });
    [before, rest] = [performance.now(), 0];
    play.textContent = "Pause";
    timer = requestAnimationFrame(go);
  }
  function go(time) {
    timer = requestAnimationFrame(go);
    if (calm.matches && time - before < 500) return; // few changes instead of a film
    rest += (Math.max(time - before, 0) * perSecond) / 1000;
    before = time;
    const now = ui.model.get(name); // Python may have set it since the last frame
    const next = Math.min(now + Math.floor(rest), high);
    rest %= 1;
    if (next !== now) ui.set({ [name]: next });
    if (next === high) stop();
  }
  function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    play.textContent = "Play";
  }
  ui.closing.push(stop);
  ui.stop = stop;
}
