// Modules that are given as texts become Blob URLs, each once, with what they import.

function modules(sources) {
  const urls = new Map();
  const url = (name) => {
    if (!urls.has(name)) {
      if (!Object.hasOwn(sources, name)) throw new Error(`there is no module ${name}`);
      const text = sources[name].replace(
        /\bfrom "\.\/([\w-]+\.js)"/g, // also in explorer.py
        (_, other) => `from "${url(other)}"`,
      );
      urls.set(name, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    }
    return urls.get(name);
  };
  return (name) => import(url(name));
}
