"use strict";

// What the reference adds to Swagger UI: a search over all operations, samples in three languages, and the reader's key
// and ids in both samples and requests. Everything is kept in this page's memory, and gone with it.

const sequenceReference = (scheme) => {
  // Swagger UI's own, from when it begins.
  let react;
  const h = (...args) => react.createElement(...args);
  // The reader's key, and for each id of the story the id of the reader's account or rule of that name.
  const reader = { key: "", ids: {} };

  const withScheme = (text) => (/^\S+\s+\S/.test(text) ? text.trim() : `${scheme} ${text.trim()}`);

  const withOwnIds = (text) =>
    Object.entries(reader.ids).reduce((mine, [theirs, own]) => mine.replaceAll(theirs, own), text);

  const withOwnKey = (text) => {
    const { key } = reader;
    return !key ? text : text
      .replaceAll('"$SERVER', `"${window.location.origin}`).replaceAll("$KEY", key)
      .replaceAll('os.environ["SERVER"] + "', `"${window.location.origin}`).replaceAll('" + os.environ["KEY"]', `${key}"`)
      .replaceAll('process.env.SERVER + "', `"${window.location.origin}`).replaceAll('" + process.env.KEY', `${key}"`);
  };

  // The names that the story's examples give to ids.
  const storyNames = (node, found = {}) => {
    if (Array.isArray(node)) {
      node.forEach((one) => storyNames(one, found));
    } else if (node && typeof node === "object") {
      const name = node.name ?? node.nickname;
      if (typeof node.id === "string" && /^(acc|rule)_/.test(node.id) && typeof name === "string") {
        found[node.id] = name;
      }
      Object.values(node).forEach((one) => storyNames(one, found));
    }
    return found;
  };

  const learnIds = async (spec) => {
    const own = {};
    for (const path of ["accounts", "rules"]) {
      const answer = await fetch(`/api/v1/${path}`, { headers: { Authorization: withScheme(reader.key) } });
      const { data } = answer.ok ? await answer.json() : { data: [] };
      data.forEach((one) => { own[one.name ?? one.nickname] ??= one.id; });
    }
    const names = Object.entries(storyNames(spec.paths));
    reader.ids = Object.fromEntries(names.filter(([, name]) => own[name]).map(([id, name]) => [id, own[name]]));
  };

  const holds = (operation, words) => {
    const told = operation.get("operation");
    const text = [operation.get("method"), operation.get("path"), told.get("operationId"), told.get("summary"),
      told.get("description"), told.get("x-required-scope")].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };

  // Swagger UI's own search looks at the names of tags alone.
  const search = (tags, phrase) => {
    const words = phrase.toLowerCase().split(/\s+/).filter(Boolean);
    return tags
      .map((tag) => tag.set("operations", tag.get("operations").filter((operation) => holds(operation, words))))
      .filter((tag) => tag.get("operations").size > 0);
  };

  const Samples = ({ samples }) => {
    const [shown, setShown] = react.useState(0);
    const [isCopied, setCopied] = react.useState(false);
    const text = withOwnKey(samples[shown].source);
    const copy = () => navigator.clipboard?.writeText(text).then(() => setCopied(true));
    const tab = ({ label }, index) => h("button", {
      key: label, type: "button", className: "sample-tab", "aria-pressed": index === shown,
      onClick: () => { setShown(index); setCopied(false); },
    }, label);
    return h("section", { className: "samples", "aria-label": "Samples" },
      h("div", { className: "sample-bar" }, samples.map(tab),
        h("button", { type: "button", className: "sample-copy", onClick: copy }, isCopied ? "Copied" : "Copy")),
      h("pre", { tabIndex: 0 }, h("code", null, text)));
  };

  const withSamples = (Original, system) => (props) => {
    const [path, method] = props.pathMethod ?? [];
    const samples = system.specSelectors.specJson().getIn(["paths", path, method, "x-codeSamples"]);
    return h(react.Fragment, null,
      samples ? h(Samples, { samples: samples.toJS() }) : null, h(Original, props));
  };

  const plugin = ({ React }) => {
    react = React;
    return {
      fn: { opsFilter: search },
      wrapComponents: { parameters: withSamples },
    };
  };

  // The form above the operations: one key for samples and requests.
  const listen = (swagger) => {
    let original = "";
    const form = document.getElementById("reader");
    const told = document.getElementById("reader-told");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      reader.key = form.elements.key.value.trim().replace(/^\S+\s+/, "");
      reader.ids = {};
      original ||= swagger.specSelectors.specStr();
      const spec = JSON.parse(original);
      const [name] = Object.keys(spec.components.securitySchemes);
      swagger.preauthorizeApiKey(name, reader.key && withScheme(reader.key));
      if (reader.key && scheme === "ApiKey") {
        await learnIds(spec);
      }
      const count = Object.keys(reader.ids).length;
      told.textContent = reader.key ? `In use${count ? `, with ${count} of your ids in the samples` : ""}.` : "";
      // Everything is drawn anew: samples with the key, and with the ids samples, examples and requests alike.
      swagger.specActions.updateSpec(withOwnIds(original));
    });
  };

  return { plugin, listen, withScheme };
};
