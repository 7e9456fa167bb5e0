// Verifies requests with the stock library of JavaScript, found where NODE_PATH says.
//
// Reads a list of {secret, headers, body} and writes a list of what the library said: null where it
// accepted the request, else its words.

const { readFileSync, writeSync } = require("node:fs");
const { Webhook } = require("standardwebhooks");

const verdict = ({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return null;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

writeSync(1, JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verdict)));
