// Reads {name: document} from stdin, and prints {name: [mistake, ...]} as the validator of AMP says them.
// Its rules lie beside it (scripts/amphtml-validator); nothing is asked of the web.
const Module = require("node:module");
const path = require("node:path");

const folder = path.join(__dirname, "node_modules", "amphtml-validator");

// Of its command line, which nobody calls here, it wants a package that it does not have with it.
const load = Module._load;
Module._load = (name, ...others) => (name.endsWith("/commander") ? {} : load(name, ...others));
const validators = require(path.join(folder, "index.js"));

async function main() {
  let text = "";
  for await (const part of process.stdin) text += part;
  const validator = await validators.getInstance(path.join(folder, "validator_wasm.js"));
  const found = {};
  for (const [name, document] of Object.entries(JSON.parse(text))) {
    const result = validator.validateString(document, "AMP4EMAIL");
    found[name] = result.errors.filter((one) => one.severity === "ERROR").map((one) => `${one.line}: ${one.message}`);
  }
  process.stdout.write(JSON.stringify(found));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
