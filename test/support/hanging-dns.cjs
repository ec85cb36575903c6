// Preloaded into every thread of a child process: names that end in .invalid are looked up for ever.
const dns = require('node:dns');
const { writeSync } = require('node:fs');
const { lookup } = dns;

dns.lookup = (name, ...rest) => {
  if (!name.endsWith('.invalid')) return lookup(name, ...rest);
  writeSync(2, `looking up ${name}\n`);
};
