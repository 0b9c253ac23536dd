// The page of a file: shows the lines that its address names, as #L3 or #L3-L7.
const mark = () => {
  for (const line of document.querySelectorAll(".lines .named")) line.classList.remove("named");
  const named = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
  if (!named) return;
  const [first, last] = [Number(named[1]), Number(named[2] ?? named[1])];
  const lines = [...document.querySelectorAll(".lines > li")].slice(Math.min(first, last) - 1, Math.max(first, last));
  for (const line of lines) line.classList.add("named");
  lines[0]?.scrollIntoView({ block: "center" });
};
addEventListener("hashchange", mark);
mark();
